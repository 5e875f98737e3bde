/** Figures as text that lines up. */
import type { Spread } from './statistics.ts';

/** Rows below a head; the first column to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map(row => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [line(head), widths.map(width => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

export const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
export const decimals = (value: number, count: number): string => value.toFixed(count);
export const mebibytes = (bytes: number): string => decimals(bytes / 2 ** 20, 0);
export const inSpread = ({ min, median, max }: Spread, text: (value: number) => string): string =>
  `${text(median)} (${text(min)} to ${text(max)})`;
