/** Which path leads where: a radix tree, because the gateway's own list of expressions costs more with every path that there is. */
import findMyWay, { type HTTPMethod } from 'find-my-way';
import { SkeinError } from '../../contracts/errors.ts';
import type { Alias } from './failures.ts';

export type Found = { readonly alias: Alias; readonly params: Record<string, string> };
export type PathTable = (url: string, method: string | undefined) => Found | false;

/** Longer parts of a path are none of ours; whoever sends them is told that there is nothing. */
const PART_MAX_LENGTH = 8_192;

export function pathTable(aliases: readonly Alias[]): PathTable {
  const tree = findMyWay({ caseSensitive: true, maxParamLength: PART_MAX_LENGTH });
  const nowhere = () => {};
  for (const alias of aliases) tree.on(alias.method as HTTPMethod, alias.fullPath, nowhere, alias);
  return (url, method = 'GET') => {
    const found = tree.find(method as HTTPMethod, url);
    if (found?.store == null) return isEncoded(url) ? false : badlyEncoded();
    return { alias: found.store as Alias, params: found.params as Record<string, string> };
  };
}

function isEncoded(url: string): boolean {
  try {
    return decodeURIComponent(url) !== undefined;
  } catch {
    return false;
  }
}

function badlyEncoded(): never {
  throw new SkeinError('invalid_request', 'The path is not encoded correctly');
}
