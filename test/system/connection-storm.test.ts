/** Many connect at once, a third with wrong keys: who was connected before is not disturbed, good ones get in, the others do not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seedDevices } from '../../bench/measure/seed-devices.ts';
import { connectTo } from '../../bench/measure/stored.ts';
import { measureStorm } from '../../bench/storm/storm-run.ts';
import { startPostgres } from '../support/postgres.ts';
import { type Skein, startSkein } from '../support/skein.ts';

const STEADY = 50;
const GOOD = 1_000;
const WRONG = 500;

test('a storm of connects disturbs no device that was there, lets the good ones in, and no others', async t => {
  const postgres = await startPostgres({ fsync: false, withSchema: true });
  let skein: Skein | undefined;
  t.after(async () => {
    await skein?.stop();
    await postgres.stop();
  });
  skein = await startSkein({ env: { DATABASE_URL: postgres.url } });
  const connection = await connectTo({ engine: 'postgres', url: postgres.url });
  const ids = Array.from({ length: STEADY + GOOD }, (_, i) => `d${i}`);
  const devices = await seedDevices(connection, ids).finally(() => connection.close());
  const { storm, before, during, ...steady } = await measureStorm({
    port: skein.mqttPort,
    steady: devices.slice(0, STEADY),
    messagesPerSecond: 200,
    coming: devices.slice(STEADY),
    wrong: WRONG,
    withinMs: 2_000,
    quietMs: 1_000,
  });
  t.diagnostic(`PUBACK p99: ${before.p99} ms before, ${during.p99} ms during`);
  assert.equal(steady.lost, 0);
  assert.equal(steady.acknowledged, steady.sent);
  assert.ok(steady.sent > 0);
  assert.equal(storm.letIn, GOOD);
  assert.equal(storm.wrongAnswers['0'], undefined);
  assert.equal(
    Object.values(storm.wrongAnswers).reduce((sum, it) => sum + it, 0),
    WRONG,
  );
});
