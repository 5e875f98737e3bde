/** The files of the project as the house tests see them: path (with `/`, from the root) to text. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Tree = ReadonlyMap<string, string>;

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What npm, git, a running Skein and the page's own build put there is not ours to judge. */
const NOT_OURS = new Set(['node_modules', '.git', 'data', 'dashboard', 'bench/results']);

/** Every file whose name ends in one of `endings`. */
export function readTree(endings: readonly string[], root: string = ROOT): Tree {
  const tree = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (NOT_OURS.has(path) || entry.name === 'node_modules') continue;
      if (entry.isDirectory()) walk(path);
      else if (endings.some(ending => entry.name.endsWith(ending)))
        tree.set(path, readFileSync(join(root, path), 'utf8'));
    }
  };
  walk('');
  return tree;
}
