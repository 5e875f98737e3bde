/** Where a benchmark leaves its figures, with what is needed to compare them with others. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../results/', import.meta.url));

export const machine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
});

/** Writes `bench/results/<name>-<time>.json` and says where. */
export async function saveResult(name: string, result: unknown): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const at = new Date().toISOString();
  const path = `${FOLDER}${name}-${at.replace(/[:.]/g, '-')}.json`;
  await writeFile(path, `${JSON.stringify({ name, at, machine: machine(), result }, null, 2)}\n`);
  console.log(`\nFigures: ${path}`);
}
