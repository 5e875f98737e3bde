import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const EXPECTATION = /^ *\/\/ @ts-expect-error (TS\d+)$/;

/** Runs tsc on one text that lies outside of the project, with the project's own settings. Answers its complaints by line. */
async function compile(source: string): Promise<Map<number, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'skein-types-'));
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'planted.ts'), source.replaceAll("'../../", `'${root}`));
    const settings = { extends: join(root, 'tsconfig.json'), include: ['planted.ts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    const output = await runCompiler(folder);
    return new Map([...output.matchAll(/^planted\.ts\((\d+),\d+\): error (TS\d+)/gm)].map(m => [Number(m[1]), m[2]!]));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Standard output of tsc; that it ends with an error is what is hoped for here. */
const runCompiler = (folder: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const program = join(root, 'node_modules/typescript/bin/tsc');
    execFile(
      process.execPath,
      [program, '-p', folder, '--pretty', 'false'],
      { cwd: folder },
      (error, stdout, stderr) => {
        if (error !== null && stdout === '') reject(new Error(`tsc did not run: ${stderr}`, { cause: error }));
        else resolve(stdout);
      },
    );
  });

test('a missing handler, a wrong result, a misspelt action and a wrong parameter do not compile', async () => {
  const source = await readFile(new URL('contract.types.ts', import.meta.url), 'utf8');
  const lines = source.split('\n');
  const expected = new Map<number, string>();
  lines.forEach((line, index) => {
    const code = EXPECTATION.exec(line)?.[1];
    if (code !== undefined) expected.set(index + 2, code);
  });
  assert.ok(expected.size >= 20, 'the expectations were not found');
  const planted = lines.map(line => (EXPECTATION.test(line) ? '//' : line)).join('\n');
  assert.deepEqual(await compile(planted), expected);
});

test('the same file compiles when each error is expected, so nothing else is wrong with it', async () => {
  const source = await readFile(new URL('contract.types.ts', import.meta.url), 'utf8');
  assert.deepEqual(await compile(source), new Map());
});

test('an expectation of an error that does not come is an error', async () => {
  const right =
    "import { event } from '../../contracts/contract.ts';\n// @ts-expect-error TS2345\nexport const e = event();\n";
  assert.deepEqual(await compile(right), new Map([[2, 'TS2578']]));
});
