/**
 * Cursors of lists: the position after the last item, with a checksum over it and over the list that it belongs to (name,
 * tenant, filters). A changed cursor, or one of another list, is refused instead of answering something surprising. It is
 * no secret and needs none: whatever it says, each query names its caller's tenant.
 */
import { createHash } from 'node:crypto';
import { SkeinError } from '../contracts/errors.ts';

export type Position = readonly (string | number)[];
/** What a cursor belongs to: the list's name, the tenant, the filters. */
export type List = readonly unknown[];

const CHECK_CHARACTERS = 12;
const LONGEST = 1024;

export function cursorOf(list: List, position: Position): string {
  const text = JSON.stringify(position);
  return Buffer.from(check(list, text) + text).toString('base64url');
}

/** The position in a cursor, undefined without one. Rejects with `invalid_request`. */
export function positionOf<P extends Position>(list: List, cursor: string | undefined): P | undefined {
  if (cursor === undefined) return undefined;
  const whole = cursor.length <= LONGEST ? Buffer.from(cursor, 'base64url').toString() : '';
  const text = whole.slice(CHECK_CHARACTERS);
  // Decoding skips characters that are not base64url; encoding again shows whether there were any.
  if (check(list, text) + text !== whole || Buffer.from(whole).toString('base64url') !== cursor)
    throw new SkeinError('invalid_request', 'cursor is not one that this list gave');
  return JSON.parse(text) as P;
}

const check = (list: List, position: string): string =>
  createHash('sha256')
    .update(JSON.stringify([list, position]))
    .digest('base64url')
    .slice(0, CHECK_CHARACTERS);

/** How many items a page has. Rejects with `invalid_request`. */
export function pageSize(
  limit: number | undefined,
  limits: { readonly listDefaultItems: number; readonly listMaxItems: number },
): number {
  if (limit === undefined) return Math.min(limits.listDefaultItems, limits.listMaxItems);
  if (limit >= 1 && limit <= limits.listMaxItems) return limit;
  throw new SkeinError('invalid_request', `limit must be between 1 and ${limits.listMaxItems}`);
}

/** Cuts what a query with `LIMIT size + 1` gave to a page; the one beyond it says that there is more. */
export function pageOf<Row, Item>(
  list: List,
  rows: readonly Row[],
  size: number,
  item: (row: Row) => Item,
  position: (row: Row) => Position,
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  const more = rows.length > size && last !== undefined;
  return { items: shown.map(item), nextCursor: more ? cursorOf(list, position(last)) : null };
}
