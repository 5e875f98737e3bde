import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Database } from '../../adapters/database/database.ts';
import { openDatabase } from '../../adapters/database/open-database.ts';
import { readConfig } from '../../config.ts';
import { deviceReader } from '../../services/devices/device-rows.ts';
import { newDataDir } from '../support/data-dir.ts';

let database: Database;
let dataDir: string;
before(async () => {
  dataDir = await newDataDir('skein-device-rows-');
  database = await openDatabase({ ...readConfig({ SKEIN_DATA_DIR: dataDir }), onFatal: () => {} });
  await database.query(
    "INSERT INTO tenant (slug, name) VALUES ('default', 'Default'), ('other', 'Other') ON CONFLICT DO NOTHING",
  );
});
after(async () => {
  await database?.close();
  await rm(dataDir, { recursive: true, force: true });
});

const tenantOf = async (slug: string): Promise<number> =>
  (await database.query<{ tenant_id: number }>('SELECT tenant_id FROM tenant WHERE slug = $1', [slug]))[0]!.tenant_id;
const make = (tenantId: number, id: string, createdAt: string) =>
  database.query(
    "INSERT INTO device (tenant_id, device_id, state, name, created_at) VALUES ($1, $2, 'registered', $3, $4)",
    [tenantId, id, `of ${tenantId}`, createdAt],
  );

test('points in time are read to the millisecond, whatever the database leaves out of them', async () => {
  const tenantId = await tenantOf('default');
  const times: Record<string, string> = {
    '2026-01-02T03:04:05Z': '2026-01-02T03:04:05.000Z',
    '2026-01-02T03:04:05.6Z': '2026-01-02T03:04:05.600Z',
    '2026-01-02T03:04:05.070Z': '2026-01-02T03:04:05.070Z',
    '2026-01-02T03:04:05.123999Z': '2026-01-02T03:04:05.123Z',
    '2026-01-02T03:04:05.999999+05:30': '2026-01-01T21:34:05.999Z',
    '1969-12-31T23:59:59.000001Z': '1969-12-31T23:59:59.000Z',
  };
  const reader = deviceReader(database);
  for (const [i, [stored, told]] of Object.entries(times).entries()) {
    await make(tenantId, `t${i}`, stored);
    const device = await reader.load({ tenantId, id: `t${i}` });
    assert.equal(device?.createdAt, told);
    assert.equal(device?.erasedAt, null);
    assert.equal(device?.erasure, null);
  }
});

test('many are read at once, each of its own tenant, and what is not there is left out', async () => {
  const [one, other] = [await tenantOf('default'), await tenantOf('other')];
  await make(one, 'same', '2026-01-01');
  await make(other, 'same', '2026-01-01');
  await make(other, 'theirs', '2026-01-01');
  const reader = deviceReader(database);
  const names = [
    { tenantId: one, id: 'same' },
    { tenantId: other, id: 'same' },
    { tenantId: one, id: 'theirs' },
    { tenantId: one, id: 'a"b\\{},NULL' },
  ];
  const found = await Promise.all(names.map(it => reader.load(it)));
  assert.deepEqual(
    found.map(it => it?.name),
    [`of ${one}`, `of ${other}`, undefined, undefined],
  );
});
