import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CREATE_TABLE } from '../../bench/bare/sql.ts';
import { AckLedger } from '../../bench/load/ack-ledger.ts';
import { valuesOf } from '../../bench/load/payload.ts';
import { BARE_IDS, type Connection, connectTo } from '../../bench/measure/stored.ts';
import { compareStored } from './compare-stored.ts';
import type { Findings, LedgerDevice } from './ledger-comparison.ts';

const BASE_MS = Date.UTC(2026, 0, 1);
const SENT = 20;
/** Sent but not acknowledged, as when the server died first: stored or not, both are right. */
const UNANSWERED = 19;
const DEVICES: readonly LedgerDevice[] = [
  { deviceId: 'd1', number: 0, payload: 'timestamp', baseMs: BASE_MS },
  { deviceId: 'd2', number: 1, payload: 'messageId', baseMs: BASE_MS },
];
const TEMPERATURE = 1;
const HUMIDITY = 2;

let folder: string;
let connection: Connection;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-comparison-'));
  connection = await connectTo({ engine: 'pglite', folder });
  await connection.query(CREATE_TABLE);
  for (const uid of [1, 2])
    for (let sequence = 0; sequence < SENT; sequence++)
      for (const [i, value] of Object.values(valuesOf(uid - 1, sequence)).entries())
        await connection.query('INSERT INTO telemetry VALUES ($1, $2, to_timestamp($3::float8 / 1000), $4)', [
          uid,
          i + 1,
          BASE_MS + sequence,
          value,
        ]);
});

after(async () => {
  await connection?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Compares after the statement was done to what is stored; then undoes it. */
async function findingsAfter(sql: string): Promise<Findings> {
  const ledger = new AckLedger(DEVICES.length);
  for (const { number } of DEVICES)
    for (let sequence = 0; sequence < UNANSWERED; sequence++) ledger.acknowledge(number, sequence);
  await connection.query('BEGIN');
  try {
    await connection.query(sql);
    return await compareStored(connection, BARE_IDS, DEVICES, ledger.entries([SENT, SENT]));
  } finally {
    await connection.query('ROLLBACK');
  }
}

const at = (sequence: number): string => `ts = to_timestamp(${BASE_MS + sequence}::float8 / 1000)`;
const counts = ({ missing, doubled, wrong, unsent }: Findings) => ({
  missing: missing.count,
  doubled: doubled.count,
  wrong: wrong.count,
  unsent: unsent.count,
});
const NOTHING = { missing: 0, doubled: 0, wrong: 0, unsent: 0 };

test('what is stored as it was sent is in order', async () => {
  const findings = await findingsAfter('SELECT 1');
  assert.deepEqual(counts(findings), NOTHING);
  assert.equal(findings.kept, true);
  assert.equal(findings.acknowledged, 2 * UNANSWERED);
  assert.equal(findings.stored, 2 * SENT);
});

test('a message that was not acknowledged may be missing', async () => {
  const findings = await findingsAfter(`DELETE FROM telemetry WHERE ${at(UNANSWERED)}`);
  assert.deepEqual(counts(findings), NOTHING);
});

const UID = { timestamp: 1, messageId: 2 } as const;
for (const kind of ['timestamp', 'messageId'] as const) {
  const mine = `device_uid = ${UID[kind]}`;
  const again = `SELECT device_uid, measurement_id, ts + interval '1 hour', value FROM telemetry WHERE ${mine} AND ${at(5)}`;
  const changes: Record<string, [sql: string, found: Partial<typeof NOTHING>]> = {
    'an acknowledged message that was removed': [`DELETE FROM telemetry WHERE ${mine} AND ${at(5)}`, { missing: 1 }],
    'one removed row of three': [
      `DELETE FROM telemetry WHERE ${mine} AND ${at(5)} AND measurement_id = ${HUMIDITY}`,
      { wrong: 1 },
    ],
    'the removed row that names the message': [
      `DELETE FROM telemetry WHERE ${mine} AND ${at(5)} AND measurement_id = ${TEMPERATURE}`,
      { wrong: 1, missing: 1 },
    ],
    'a message that is stored a second time': [
      `INSERT INTO telemetry ${again}`,
      // One that brought its own time has, besides, another time now.
      kind === 'timestamp' ? { doubled: 1, wrong: 1 } : { doubled: 1 },
    ],
    'a changed value': [
      `UPDATE telemetry SET value = value + 0.01 WHERE ${mine} AND ${at(5)} AND measurement_id = ${HUMIDITY}`,
      { wrong: 1 },
    ],
    'a value that no message had': [
      `UPDATE telemetry SET value = 1.5 WHERE ${mine} AND ${at(5)} AND measurement_id = ${TEMPERATURE}`,
      { wrong: 1, missing: 1 },
    ],
    'a row too many at the time of a message': [
      `INSERT INTO telemetry SELECT device_uid, 99, ts, value FROM telemetry WHERE ${mine} AND ${at(5)} LIMIT 1`,
      { wrong: 1 },
    ],
    'a message that was never sent': [
      `INSERT INTO telemetry SELECT device_uid, measurement_id, ts + interval '1 hour', ${Object.values(
        valuesOf(UID[kind] - 1, SENT),
      )
        .map((value, i) => `${i === 0 ? 'CASE measurement_id' : ''} WHEN ${i + 1} THEN ${value}`)
        .join('')} END FROM telemetry WHERE ${mine} AND ${at(5)}`,
      { unsent: 1 },
    ],
  };
  for (const [name, [sql, found]] of Object.entries(changes))
    test(`${name} is found (${kind})`, async () => {
      const findings = await findingsAfter(sql);
      assert.deepEqual(counts(findings), { ...NOTHING, ...found }, String(findings));
      assert.equal(findings.kept, false);
    });
}

test('a message that brought its own time and is stored at another is found', async () => {
  const findings = await findingsAfter(
    `UPDATE telemetry SET ts = ts + interval '1 hour' WHERE device_uid = 1 AND ${at(5)}`,
  );
  assert.deepEqual(counts(findings), { ...NOTHING, wrong: 1 });
});

test('a message that is stored for another device is found', async () => {
  const findings = await findingsAfter(
    `UPDATE telemetry SET ts = ts + interval '1 hour', device_uid = 2 WHERE device_uid = 1 AND ${at(5)}`,
  );
  assert.equal(findings.missing.count, 1);
  assert.equal(findings.doubled.count, 1);
});
