/** Values against what the type of their device says, from REST to the rows and the dead letters. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { actors } from '../../contracts/actors.contract.ts';
import { call } from '../../contracts/contract.ts';
import { FLAGS } from '../../contracts/validation.ts';
import { type FleetNode, startFleetNode } from './fleet-node.ts';
import { addTenant, ask, register } from './rest-node.ts';

const PATIENCE_MS = 20_000;
const MEASUREMENTS = { t: { type: 'number', unit: 'Cel', min: 0, max: 9 } };
type Stored = { value: number; quality: number | null; flags: number | null };

class Types {
  readonly node: FleetNode;
  constructor(node: FleetNode) {
    this.node = node;
  }

  async put(name: string, validation: object | null, key?: string): Promise<void> {
    const body = { measurements: MEASUREMENTS, validation };
    const { status, body: said } = await ask(this.node, `PUT /api/v1/device-types/${name}`, { body, key });
    assert.ok(status < 300, JSON.stringify(said));
  }

  /** The reason why it was rejected; undefined: it was not. */
  async send(deviceId: string, item: object, key?: string): Promise<string | undefined> {
    const { body } = await ask(this.node, 'POST /api/v1/telemetry', { body: { deviceId, ...item }, key });
    return body.rejected[0]?.reason;
  }

  /** Sends until what becomes of it is as wanted. */
  async sendUntil(deviceId: string, value: number, wanted: string | undefined): Promise<void> {
    for (const untilMs = Date.now() + PATIENCE_MS; ; ) {
      const reason = await this.send(deviceId, { values: { t: value } });
      if (reason === wanted) return;
      if (Date.now() > untilMs) throw new Error(`It stayed ${reason}`);
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  }

  stored(deviceId: string): Promise<Stored[]> {
    return this.node.database.query<Stored>(
      `SELECT s.value, s.quality, s.flags FROM telemetry s JOIN device d ON d.device_uid = s.device_uid
       WHERE d.device_id = $1 AND s.ts >= '2020-01-01' AND s.ts < '2100-01-01' ORDER BY s.ts`,
      [deviceId],
    );
  }
}

for (const engine of ['pglite', 'postgres'] as const)
  describe(`validation by type on ${engine}`, () => {
    let types: Types;
    let node: FleetNode;
    before(async () => {
      // So rarely that nothing here can come from looking: each change has to be told.
      node = await startFleetNode({ engine, env: { SKEIN_LIMIT_TYPE_RULES_POLL_MS: '3600000' } });
      types = new Types(node);
    });
    after(() => node?.stop());

    test('what is flagged is stored with its mark, and what is refused is a dead letter with its reason', async () => {
      await types.put('sensor', { outOfRange: 'flag', wrongType: 'refuse' });
      await register(node, 'a', { type: 'sensor' });
      assert.equal(await types.send('a', { values: { t: 5 } }), undefined);
      assert.equal(await types.send('a', { values: { t: 10 } }), undefined);
      assert.equal(await types.send('a', { values: { t: 'warm' } }), 'wrong_type');
      assert.deepEqual(
        (await types.stored('a')).map(it => [it.value, it.flags]),
        [
          [5, null],
          [10, FLAGS.outOfRange],
        ],
      );
      const { body } = await ask(node, 'GET /api/v1/dead-letters');
      assert.deepEqual(
        body.items.map((it: Record<string, unknown>) => [it.deviceId, it.reason, it.detail]),
        [['a', 'wrong_type', '"t" is a string, and should be a number']],
      );
    });

    test('devices in memory go by a changed type as soon as it is told, and are not loaded again', async () => {
      await types.put('valve', null);
      await register(node, 'v', { type: 'valve' });
      await types.sendUntil('v', 10, undefined);
      const activations = async () => (await call(node.broker, actors.health, {})).figures!.activations as number;
      const before = await activations();
      await types.put('valve', { outOfRange: 'refuse' });
      await types.sendUntil('v', 10, 'out_of_range');
      await ask(node, 'PATCH /api/v1/devices/v', { body: { type: 'nothing is said of this one' } });
      await types.sendUntil('v', 10, undefined);
      await ask(node, 'PATCH /api/v1/devices/v', { body: { type: 'valve' } });
      await types.sendUntil('v', 10, 'out_of_range');
      assert.equal(await activations(), before + 2);
      await ask(node, 'PATCH /api/v1/devices/v', { body: { type: 'another' } });
      await types.sendUntil('v', 10, undefined);
      assert.equal((await ask(node, 'DELETE /api/v1/device-types/valve')).status, 200);
    });

    test('a type that is removed says nothing any more', async () => {
      await types.put('brief', { outOfRange: 'refuse' });
      await register(node, 'b', { type: 'brief' });
      assert.equal(await types.send('b', { values: { t: 10 } }), 'out_of_range');
      await node.database.query(`UPDATE device SET state = 'decommissioned' WHERE device_id = 'b'`);
      assert.equal((await ask(node, 'DELETE /api/v1/device-types/brief')).status, 200);
      await types.sendUntil('b', 10, undefined);
    });

    test("another tenant's type of the same name says nothing here", async () => {
      const key = await addTenant(node, 'other');
      await types.put('same', { outOfRange: 'refuse' }, key);
      await types.put('same', { outOfRange: 'flag' });
      await register(node, 'theirs', { type: 'same' }, key);
      await register(node, 'ours', { type: 'same' });
      assert.equal(await types.send('theirs', { values: { t: 10 } }, key), 'out_of_range');
      assert.equal(await types.send('ours', { values: { t: 10 } }), undefined);
    });

    test('one value of one sensor brings its unit and its quality, also in the words of OPC UA', async () => {
      await types.put('tag', { wrongUnit: 'flag' });
      await register(node, 'p', { type: 'tag' });
      const one = (value: number, more: object) => types.send('p', { sensorId: 't', value, ...more });
      for (const [value, more] of [
        [1, { unit: 'Cel', quality: 0.95 }],
        [2, { unit: 'PSI', quality: 'good' }],
        [3, { quality: 'Uncertain' }],
        [4, { unit: null, quality: 'bad' }],
        [5, {}],
      ] as [number, object][])
        assert.equal(await one(value, more), undefined);
      assert.equal(await one(6, { quality: 'excellent' }), 'invalid_value');
      assert.equal(await one(6, { quality: 2 }), 'invalid_value');
      assert.equal(await one(6, { unit: 5 }), 'invalid_value');
      assert.deepEqual(await types.stored('p'), [
        { value: 1, quality: 9_500, flags: null },
        { value: 2, quality: 10_000, flags: FLAGS.wrongUnit },
        { value: 3, quality: 5_000, flags: null },
        { value: 4, quality: 0, flags: null },
        { value: 5, quality: null, flags: null },
      ]);
    });

    test('what comes late is stored, and what was newest stays that', async () => {
      await types.put('late', { tooOld: 'flag', tooOldSeconds: 3_600 });
      await register(node, 'l', { type: 'late' });
      const at = (secondsAgo: number, t: number) =>
        types.send('l', { timestamp: new Date(Date.now() - secondsAgo * 1_000).toISOString(), values: { t } });
      for (const [secondsAgo, t] of [
        [10, 1],
        [60, 2],
        [3 * 86_400, 3],
      ] as const)
        assert.equal(await at(secondsAgo, t), undefined);
      const { body } = await ask(node, 'GET /api/v1/devices/l/telemetry/latest');
      assert.equal(body.values.t.value, 1);
      assert.deepEqual(
        (await types.stored('l')).map(it => [it.value, it.flags]),
        [
          [3, FLAGS.tooOld],
          [2, null],
          [1, null],
        ],
      );
    });
  });

describe('validation by type, of which nobody is told', () => {
  let node: FleetNode;
  let types: Types;
  before(async () => {
    node = await startFleetNode({ env: { SKEIN_LIMIT_TYPE_RULES_POLL_MS: '20' } });
    types = new Types(node);
  });
  after(() => node?.stop());

  test('changes of types and of devices are found all the same', async () => {
    const { database } = node;
    await types.put('sensor', null);
    await register(node, 'a', { type: 'sensor' });
    await types.sendUntil('a', 10, undefined);
    await database.query(`UPDATE device_type SET validation = '{"outOfRange": "refuse"}', version = version + 1`);
    await types.sendUntil('a', 10, 'out_of_range');
    await database.query(`UPDATE device SET device_type = 'other'`);
    await types.sendUntil('a', 10, undefined);
    await database.query(`UPDATE device SET device_type = 'sensor'`);
    await types.sendUntil('a', 10, 'out_of_range');
    await database.query('DELETE FROM device_type');
    await types.sendUntil('a', 10, undefined);
  });
});
