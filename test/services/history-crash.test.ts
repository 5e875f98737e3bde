/** Imports of history whose nodes die, hang, and take each other's pieces: nothing is lost, and nothing is stored or counted twice. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, DatabaseError, type Lane } from '../../adapters/database/database.ts';
import { writeTelemetryParquet } from '../../adapters/parquet/write-telemetry.ts';
import { LIMITS } from '../../contracts/limits.ts';
import { HistoryRunner } from '../../services/telemetry-imports/runner.ts';
import { CSV, historyEnded, importHistory, PARQUET, sendHistory, startHistoryNode, storedOf } from './history-node.ts';
import { ask, ENGINES, type RestNode, register } from './rest-node.ts';

const T0 = Date.UTC(2024, 2, 1);
const ENV = {
  SKEIN_LIMIT_HISTORY_LINE_MAX_BYTES: '200',
  SKEIN_LIMIT_HISTORY_PIECE_MAX_BYTES: '400',
  SKEIN_LIMIT_HISTORY_PIECE_DATAPOINTS: '20',
  SKEIN_LIMIT_PARQUET_BATCH_ROWS: '10',
  SKEIN_LIMIT_JOB_POLL_MS: '20',
};

/** Each transaction of its lanes by chance never begins, or ends without anybody knowing. */
function dying(database: Database): Database {
  let calls = 0;
  const lane = (name: string): Lane => {
    const real = database.lane(name);
    return {
      close: () => real.close(),
      async commit(steps) {
        calls++;
        if (calls % 5 === 2) throw new DatabaseError('unavailable', 'it is gone');
        const rows = await real.commit(steps);
        if (calls % 5 === 4) throw new DatabaseError('outcome_unknown', 'it is gone');
        return rows;
      },
    };
  };
  return new Proxy(database, {
    get: (target, name) => {
      const value = name === 'lane' ? lane : Reflect.get(target, name);
      return typeof value === 'function' && name !== 'lane' ? value.bind(target) : value;
    },
  });
}

/** 300 lines: some with line ends in them, some broken, some about nobody. */
function lines(device: string): string[] {
  return Array.from({ length: 300 }, (_, i) => {
    const ts = T0 + i * 1_000;
    if (i % 17 === 3) return `${device},a,${ts},"two\n${i}"`;
    if (i % 17 === 5) return `${device},a,"${ts},1`;
    if (i % 17 === 7) return `nobody,a,${ts},1`;
    return `${device},a,${ts},${i}`;
  });
}

for (const engine of ENGINES)
  describe(`dying imports of history on ${engine}`, () => {
    let node: RestNode;
    const runners: HistoryRunner[] = [];
    let hurrying: NodeJS.Timeout;
    before(async () => {
      node = await startHistoryNode({ engine, env: ENV });
    });
    after(async () => {
      clearInterval(hurrying);
      await Promise.all(runners.map(it => it.stop()));
      await node?.stop();
    });

    test('a straight run, and one of nodes that die and overlap, say and store the same', async () => {
      for (const id of ['straight', 'crooked', 'straight-p', 'crooked-p']) await register(node, id);
      const file = (device: string) => ['device,measurement,ts,value', ...lines(device)].join('\n');
      const parquet = async (device: string) => {
        const rows = lines(device).map((_, i) => ({
          ...{
            device,
            measurement: 'a',
            tsUs: (T0 + i * 1_000) * 1_000,
            value: i,
            text: null,
            quality: null,
            flags: null,
          },
        }));
        const limits = { ...LIMITS, parquetRowGroupRows: 70 };
        const chunks = await Array.fromAsync(writeTelemetryParquet([rows] as never, limits));
        return Buffer.concat(chunks);
      };
      const straight = await importHistory(node, file('straight'));
      const straightParquet = await importHistory(node, await parquet('straight-p'), { type: PARQUET });

      for (let i = 0; i < 2; i++) {
        const { config, blobs, log } = node;
        const runner = new HistoryRunner({ database: dying(node.database), blobs, limits: config.limits, log });
        runner.start();
        runners.push(runner);
      }
      // No lease is respected: each runner takes what another one has.
      const hurry = () => node.database.query('UPDATE telemetry_import SET due_at = now(), tries = 0').catch(() => {});
      hurrying = setInterval(hurry, 15);
      for (const [device, type, content, wanted] of [
        ['crooked', CSV, file('crooked'), straight],
        ['crooked-p', PARQUET, await parquet('crooked-p'), straightParquet],
      ] as const) {
        const { body } = await sendHistory(node, content, { type });
        const ended = await historyEnded(node, body.id);
        const { id: _id, createdAt: _created, endedAt: _ended, bytes: _bytes, ...same } = ended;
        assert.partialDeepStrictEqual(wanted, same);
        const rows = (it: string) => storedOf(node, it);
        assert.deepEqual(await rows(device), await rows(device.replace('crooked', 'straight')));
        assert.equal(ended.stored + ended.duplicates, ended.lines - ended.refused);
        assert.equal(ended.duplicates, 0);
      }
      assert.ok(
        node.logged.some(it => it.includes('could not have its turn')),
        'nothing ever died',
      );
    });

    test('one that is cancelled stores no more, and says how far it came', async () => {
      clearInterval(hurrying);
      await Promise.all(runners.splice(0).map(it => it.stop()));
      await register(node, 'cancelled');
      const many = Array.from({ length: 20_000 }, (_, i) => `cancelled,a,${T0 + i},${i}`);
      const { body } = await sendHistory(node, ['device,measurement,ts,value', ...many].join('\n'));
      const path = `/api/v1/telemetry/imports/${body.id}`;
      for (let seen = 0; seen === 0; ) seen = (await ask(node, `GET ${path}`)).body.stored;
      const cancelled = (await ask(node, `POST ${path}/cancel`)).body;
      assert.equal(cancelled.state, 'cancelled');
      assert.ok(cancelled.stored > 0 && cancelled.stored < many.length, `${cancelled.stored}`);
      assert.ok(cancelled.donePercent < 100);
      assert.equal((await storedOf(node, 'cancelled')).length, cancelled.stored);
    });

    test('an import that goes while it is under way leaves nothing of itself behind', async () => {
      await register(node, 'removed');
      const many = Array.from({ length: 20_000 }, (_, i) => `removed,a,${T0 + i},${i}`);
      const { body } = await sendHistory(node, ['device,measurement,ts,value', ...many].join('\n'));
      const path = `/api/v1/telemetry/imports/${body.id}`;
      for (let seen = 0; seen === 0; ) seen = (await ask(node, `GET ${path}`)).body.stored;
      assert.equal((await ask(node, `DELETE ${path}`)).body.state, 'cancelled');
      for (let left = 1; left > 0; )
        left = (await node.database.query('SELECT FROM telemetry_import WHERE import_id = $1', [body.id])).length;
      assert.deepEqual(await Array.fromAsync(node.blobs.list(`imports/${body.id}`)), []);
    });

    test('a device that sends what is being imported loses nothing, and neither is anything stored twice', async () => {
      await register(node, 'both');
      const nowMs = Date.now();
      await ask(node, 'POST /api/v1/telemetry', {
        body: { deviceId: 'both', timestamp: nowMs - 9e6, values: { a: -1 } },
      });
      const times = Array.from({ length: 400 }, (_, i) => nowMs - 8e6 + i * 20_000);
      const file = ['device,measurement,ts,value', ...times.map((ts, i) => `both,a,${ts},${i}`)].join('\n');
      const { body } = await sendHistory(node, file);
      // The newest first, then all: what its actor takes for certainly new is there already, or is coming.
      for (const at of [399, 398, ...Array.from({ length: 40 }, (_, i) => i * 10), 399]) {
        const values = { a: at };
        const sent = await ask(node, 'POST /api/v1/telemetry', {
          body: { deviceId: 'both', timestamp: times[at], values },
        });
        assert.deepEqual([sent.status, sent.body.accepted, sent.body.rejected], [202, 1, []]);
      }
      const ended = await historyEnded(node, body.id);
      assert.partialDeepStrictEqual(ended, { state: 'completed', lines: 400, refused: 0 });
      const stored = await storedOf(node, 'both');
      assert.deepEqual(
        stored.map(it => it.value),
        [-1, ...times.keys()],
      );
      const { body: latest } = await ask(node, 'GET /api/v1/devices/both/telemetry/latest');
      assert.equal(latest.values.a.value, 399);
    });

    test('data that is newer than what an actor remembers does not break it', async () => {
      await register(node, 'behind');
      const at = Date.now() - 60_000;
      const send = (ts: number, a: number) =>
        ask(node, 'POST /api/v1/telemetry', { body: { deviceId: 'behind', timestamp: ts, values: { a, b: a } } });
      await send(at, 0);
      const newer = [1, 2, 3].map(i => `behind,a,${at + i},${i}\nbehind,c,${at + i},${i}`);
      const ended = await importHistory(node, ['device,measurement,ts,value', ...newer].join('\n'));
      assert.equal(ended.stored, 6);
      for (const i of [1, 3, 4]) assert.equal((await send(at + i, 100 + i)).body.accepted, 1);
      const ofA = (await storedOf(node, 'behind')).filter(it => it.name === 'a');
      assert.deepEqual(
        ofA.map(it => it.value),
        [0, 1, 2, 3, 104],
      );
    });
  });
