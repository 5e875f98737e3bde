/** Sizes and names of code files: what a person can hold, and names that say something. */
import type { Tree } from './tree.ts';

export const FILE_MAX_LINES = 300;

/** Longer than the limit, each with its reason. Empty is best. */
export const LONG_FOR_A_REASON: ReadonlyMap<string, string> = new Map([
  ['test/actors/runtime/host.test.ts', 'every guarantee of the host in one list, over one set-up'],
  ['test/actors/runtime/router.test.ts', 'every guarantee of the router in one list, over one set-up'],
]);

/** Names under which anything can be put, so everything is. */
const SAYS_NOTHING = /^(utils?|helpers?|commons?|misc|managers?|shared|stuff)$/;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;

/** One sentence for each fault. */
export function fileFaults(tree: Tree, reasons: ReadonlyMap<string, string> = LONG_FOR_A_REASON): string[] {
  const found: string[] = [];
  for (const [path, source] of tree) {
    const lines = source.split('\n').length - 1;
    if (lines > FILE_MAX_LINES && !reasons.has(path))
      found.push(`${path} has ${lines} lines, more than ${FILE_MAX_LINES}: split it, or give its reason`);
    if (lines <= FILE_MAX_LINES && reasons.has(path))
      found.push(`${path} is short now: take it off the list of long files`);
    for (const name of path.split('/')) {
      if (!KEBAB_CASE.test(name.replace(/^\./, ''))) found.push(`${path}: "${name}" is not kebab-case`);
      const word = name.split(/[-.]/).find(part => SAYS_NOTHING.test(part));
      if (word !== undefined) found.push(`${path}: "${word}" says nothing about what is inside`);
    }
  }
  for (const path of reasons.keys())
    if (!tree.has(path)) found.push(`${path} is on the list of long files, but is gone`);
  return found;
}
