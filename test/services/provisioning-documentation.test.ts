import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { portIn } from '../support/server-process.ts';
import { startSkein } from '../support/skein.ts';
import { until } from './provisioning-node.ts';

const run = promisify(execFile);
const PAGE = join(import.meta.dirname, '../../docs/provisioning.md');

/** What one would type, from the top of the page to its end; without what needs a login. */
async function commands(url: string, httpsPort: number): Promise<string[]> {
  const page = await readFile(PAGE, 'utf8');
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(it => it[1]!);
  return blocks
    .filter(it => !it.includes('$TOKEN'))
    .map(it => it.replace('http://127.0.0.1:8080/api/v1', url).replace(':8443', `:${httpsPort}`));
}

test('the examples of the page work as they are printed', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'skein-page-'));
  const skein = await startSkein({ dataDir: join(folder, 'data'), env: { SKEIN_HTTPS_PORT: '0' } });
  t.after(async () => {
    await skein.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${skein.httpPort}/api/v1`;
  const httpsPort = await until(async () => portIn(skein.output(), 'https'));
  const blocks = await commands(url, httpsPort);
  assert.ok(blocks.length >= 7, `${blocks.length} examples were found`);
  const waiting = `until curl -s -H "Authorization: Bearer $KEY" "$URL/devices/imports/$ID" | grep -q completed; do :; done`;
  // Each answer in a line of its own.
  const curl = `curl() { command curl -w '\\n' "$@"; }\n`;
  const script = curl + blocks.map(it => (it.includes('> import.json') ? `${it}\n${waiting}` : it)).join('\necho\n');
  const { stdout } = await run('bash', ['-euc', script], { cwd: folder, timeout: 50_000 });
  const answers = stdout
    .split('\n')
    .filter(it => it.startsWith('{'))
    .map(it => JSON.parse(it));
  assert.deepEqual(
    answers.map(it => it.type).filter(it => it !== undefined),
    [],
  );
  const [first, reset, certified, shown, done, refused, , claimed] = answers;
  assert.match(first.credentials.apiKey, /^skd_/);
  assert.equal(reset.state, 'waiting');
  assert.match(certified.credentials.certificate, /^-----BEGIN CERTIFICATE/);
  assert.equal(shown.device.id, 'press-6');
  assert.partialDeepStrictEqual(done, { state: 'completed', total: 3, created: 2, refused: 1 });
  assert.deepEqual(
    refused.items.map((it: { line: number; detail: string }) => [it.line, it.detail]),
    [[4, 'Line 3 has this id already']],
  );
  assert.match(claimed.claimCode, /^\w{4}(-\w{4}){3}$/);
  const keys = await readFile(join(folder, 'keys.csv'), 'utf8');
  assert.match(
    keys.trimEnd(),
    /^line,id,name,apiKey\r\n2,press-10,"Press 10, hall 3",skd_\w+\r\n3,press-11,Press 11,skd_\w+$/,
  );
});
