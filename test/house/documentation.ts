/** Holds the links of the documents against the files of the project. */
import { posix } from 'node:path';
import type { Tree } from './tree.ts';

const LINK = /(?<!!)!?\[[^\]\n]*\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g;
const REFERENCE = /^\[[^\]]+\]:\s+(\S+)/gm;

/** What stands in fences and in code is text, not a link. */
const prose = (markdown: string): string =>
  markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, fence => fence.replace(/[^\n]/g, ' ')).replace(/`[^`\n]*`/g, '``');

/** The name that a heading has in a link: https://github.github.com/gfm/ does not say it, everybody does it like this. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

const anchorsOf = (markdown: string): Set<string> =>
  new Set([...markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').matchAll(/^#{1,6}\s+(.+)$/gm)].map(m => anchorOf(m[1]!)));

/** One sentence for each relative link that leads nowhere. `exists` answers for paths from the root. */
export function brokenLinks(documents: Tree, exists: (path: string) => boolean): string[] {
  const found: string[] = [];
  for (const [path, markdown] of documents) {
    const text = prose(markdown);
    for (const link of [...text.matchAll(LINK), ...text.matchAll(REFERENCE)].map(m => m[1]!)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [file, anchor] = link.split('#') as [string, string?];
      const target = file === '' ? path : posix.join(posix.dirname(path), decodeURIComponent(file));
      if (target.startsWith('..')) found.push(`${path}: ${link} leads out of the project`);
      else if (!exists(target)) found.push(`${path}: ${link} leads to nothing`);
      else if (anchor && documents.has(target) && !anchorsOf(documents.get(target)!).has(anchor))
        found.push(`${path}: ${link} names no heading there`);
    }
  }
  return found;
}
