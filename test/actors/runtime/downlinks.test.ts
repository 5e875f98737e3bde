import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Downlinks, type DownlinksParts } from '../../../actors/runtime/downlinks.ts';
import type { Delivery, Downlink, Output } from '../../../contracts/downlinks.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { newOrder } from '../device/commanded-actor.ts';
import { ManualTime } from './manual-time.ts';

const to = (address: string, id: string): Output => ({
  to: 'device',
  place: { session: 1, instanceId: 'i', address },
  downlink: { tenant: 'default', device: 'd', session: 1, kind: 'command', payload: '{}', attempt: { id, attempt: 1 } },
});
const ended = (address: string, id: string): Output => ({
  to: 'node',
  address,
  ended: { ...newOrder(id), state: 'succeeded', attempt: 1, transitions: [], endedAtMs: 0 },
});
const idOf = ({ attempt }: Downlink) => attempt!.id;

function setUp(more: Partial<DownlinksParts> = {}) {
  const time = new ManualTime();
  const seen = { here: [] as string[], pushed: [] as string[][], told: [] as string[], failed: [] as string[] };
  const downlinks = new Downlinks({
    address: 'own',
    clock: time,
    scheduler: time,
    commandsPerSecond: () => 1_000_000,
    limits: { downlinksPerNode: 3, downlinksPerNodeMaxBytes: 2_000, batchMaxMessages: 2, batchMaxBytes: 1_000 },
    here: {
      deliver: downlink => {
        seen.here.push(idOf(downlink));
        return 'sent';
      },
      ended: commands => void seen.told.push(...commands.map(it => `own ${it.id}`)),
    },
    push: async (address, batch) => {
      seen.pushed.push([address, ...batch.map(idOf)]);
      return batch.map(() => 'sent');
    },
    tell: (address, commands) => void seen.told.push(...commands.map(it => `${address} ${it.id}`)),
    failed: (downlink, why) => void seen.failed.push(`${idOf(downlink)} ${why}`),
    ...more,
  });
  return { downlinks, seen, time };
}
const soon = () => new Promise(resolve => setImmediate(resolve));

describe('The way down', () => {
  it('is direct to connections here, and over the bus to those elsewhere', async () => {
    const { downlinks, seen } = setUp();
    downlinks.release([to('own', 'c1'), to('other', 'c2'), ended('own', 'c3'), ended('other', 'c4')]);
    await soon();
    assert.deepEqual(seen, { here: ['c1'], pushed: [['other', 'c2']], told: ['own c3', 'other c4'], failed: [] });
  });

  it('has one batch under way to a node, and the next gathers meanwhile, in order', async () => {
    const answers: ((deliveries: Delivery[]) => void)[] = [];
    const { downlinks, seen } = setUp({
      push: (address, batch) => {
        seen.pushed.push([address, ...batch.map(idOf)]);
        return new Promise(resolve => answers.push(resolve));
      },
    });
    for (const id of ['c1', 'c2', 'c3', 'c4']) downlinks.release([to('other', id)]);
    assert.deepEqual(seen.pushed, [['other', 'c1']]);
    answers.shift()!(['sent']);
    await soon();
    assert.deepEqual(seen.pushed.at(-1), ['other', 'c2', 'c3'], 'as many as one batch may have');
    answers.shift()!(['sent', 'gone']);
    await soon();
    assert.deepEqual([seen.pushed.at(-1), seen.failed], [['other', 'c4'], ['c3 gone']]);
  });

  it('has no more bytes in a batch than the bus carries, nor waiting than is allowed', async () => {
    const answers: (() => void)[] = [];
    const { downlinks, seen } = setUp({
      limits: { downlinksPerNode: 100, downlinksPerNodeMaxBytes: 2_000, batchMaxMessages: 100, batchMaxBytes: 1_000 },
      push: (address, batch) => {
        seen.pushed.push([address, ...batch.map(idOf)]);
        return new Promise(resolve => answers.push(() => resolve(batch.map(() => 'sent'))));
      },
    });
    const large = (id: string): Output => {
      const output = to('other', id);
      return output.to === 'device'
        ? { ...output, downlink: { ...output.downlink, payload: 'ä'.repeat(100) } }
        : output;
    };
    for (let i = 1; i <= 9; i++) downlinks.release([large(`c${i}`)]);
    assert.deepEqual(seen.failed, ['c7 full', 'c8 full', 'c9 full']);
    for (let i = 0; i < 3; i++) {
      answers.shift()!();
      await soon();
    }
    assert.deepEqual(seen.pushed, [
      ['other', 'c1'],
      ['other', 'c2', 'c3'],
      ['other', 'c4', 'c5'],
      ['other', 'c6'],
    ]);
  });

  it('lets no more commands leave in a second than the pace, however many are let out at once; all else passes', async () => {
    const { downlinks, seen, time } = setUp({
      commandsPerSecond: () => 40,
      limits: { ...LIMITS, downlinksPerNode: 100 },
    });
    downlinks.release(Array.from({ length: 110 }, (_, i) => to('own', `c${i}`)));
    downlinks.release([ended('own', 'c0')]);
    assert.deepEqual([seen.here, seen.told, downlinks.waiting], [['c0', 'c1'], ['own c0'], 100]);
    assert.equal(seen.failed.length, 8, 'more do not wait');
    await time.pass(990);
    assert.ok(seen.here.length > 35 && seen.here.length <= 40, `${seen.here.length} in a second`);
    await time.pass(2_000);
    assert.equal(downlinks.waiting, 0);
  });

  it('ends when nothing waits any more, or when nobody has patience for it any more', async () => {
    const { downlinks, seen, time } = setUp({
      commandsPerSecond: () => 20,
      limits: { ...LIMITS, downlinksPerNode: 100 },
    });
    downlinks.release(Array.from({ length: 60 }, (_, i) => to('own', `c${i}`)));
    const drained = downlinks.drain(1_000);
    await time.pass(2_000);
    await drained;
    const { length } = seen.here;
    await time.pass(5_000);
    assert.deepEqual([seen.here.length, length < 60, downlinks.waiting], [length, true, 0]);
  });

  it('is bounded for each node', () => {
    const { downlinks, seen } = setUp({ push: () => new Promise(() => {}) });
    for (let i = 1; i <= 6; i++) downlinks.release([to('other', `c${i}`)]);
    assert.deepEqual([seen.failed, downlinks.waiting], [['c5 full', 'c6 full'], 3]);
  });

  it('tells what certainly did not leave from what nobody knows', async () => {
    for (const [error, why] of [
      [Object.assign(new Error('no'), { type: 'unreachable' }), 'gone'],
      [new Error('timeout'), 'unknown'],
    ] as const) {
      const { downlinks, seen } = setUp({ push: () => Promise.reject(error) });
      downlinks.release([to('other', 'c1')]);
      await soon();
      assert.deepEqual([seen.failed, downlinks.waiting], [[`c1 ${why}`], 0]);
    }
  });

  it('tells what the connections here did not take', () => {
    const { downlinks, seen } = setUp({ here: { deliver: () => 'not_receiving', ended: () => {} } });
    downlinks.release([to('own', 'c1')]);
    assert.deepEqual(seen.failed, ['c1 not_receiving']);
  });
});
