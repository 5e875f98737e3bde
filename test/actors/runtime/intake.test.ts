import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Intake } from '../../../actors/runtime/intake.ts';
import { LIMITS, type Limits } from '../../../contracts/limits.ts';
import { type Batch, type Outcome, STORED } from '../../../contracts/uplinks.ts';
import { ManualTime } from './manual-time.ts';
import { uplink } from './uplinks.ts';

function setUp(only: Partial<Limits> = {}) {
  const time = new ManualTime();
  const taken: { name: string; sinceMs: number | undefined }[] = [];
  const host = {
    deliver: async (uplinks: Batch['uplinks'], _epochs?: readonly number[], sinceMs?: number): Promise<Outcome[]> => {
      taken.push({ name: uplinks.map(it => Buffer.from(it.payload).toString()).join(), sinceMs });
      return uplinks.map(() => STORED);
    },
  };
  const intake = new Intake({ host, instanceId: 'me', clock: time, scheduler: time, limits: { ...LIMITS, ...only } });
  intake.start();
  const deliver = (sequence: number, more: Partial<Batch> = {}) =>
    intake
      .deliver({
        instance: 'me',
        stream: 's',
        sequence,
        deadlineMs: time.nowMs() + 15_000,
        uplinks: [uplink('a', `${more.stream ?? ''}${sequence}`)],
        epochs: [1],
        ...more,
      })
      .then(
        outcomes => outcomes.map(it => it.state).join(),
        (error: { type: string }) => error.type,
      );
  return { time, intake, deliver, names: () => taken.map(it => it.name), taken };
}

describe('an intake', () => {
  it('takes the batches of a stream in the order of their numbers, whatever the order of their arrival', async () => {
    const { deliver, names } = setUp();
    const answers = [2, 0, 3, 1].map(it => deliver(it));
    assert.deepEqual(await Promise.all(answers), ['stored', 'stored', 'stored', 'stored']);
    assert.deepEqual(names(), ['0', '1', '2', '3']);
  });

  it('does a batch that comes twice once, and answers it twice', async () => {
    const { deliver, names } = setUp();
    assert.deepEqual(await Promise.all([deliver(0), deliver(0)]), ['stored', 'stored']);
    assert.equal(await deliver(0), 'stored');
    const held = [deliver(2), deliver(2)];
    assert.equal(await deliver(1), 'stored');
    assert.deepEqual(await Promise.all(held), ['stored', 'stored']);
    assert.deepEqual(names(), ['0', '1', '2']);
  });

  it('keeps streams apart', async () => {
    const { deliver, names } = setUp();
    await Promise.all([deliver(0, { stream: 'x' }), deliver(0, { stream: 'y' }), deliver(1, { stream: 'x' })]);
    assert.deepEqual(names(), ['x0', 'y0', 'x1']);
  });

  it('refuses what is for another run of its node, and does nothing of it', async () => {
    const { deliver, names } = setUp();
    assert.equal(await deliver(0, { instance: 'the one before' }), 'not_owner');
    assert.deepEqual(names(), []);
  });

  it('refuses what comes after its deadline, and all that follows in its stream', async () => {
    const { time, deliver, names } = setUp();
    assert.equal(await deliver(0), 'stored');
    const next = deliver(2, { deadlineMs: time.nowMs() + 60_000 });
    assert.equal(await deliver(1, { deadlineMs: time.nowMs() - 1 }), 'expired');
    assert.equal(await next, 'not_owner', 'it must not be done without the one before it');
    assert.equal(await deliver(3), 'not_owner');
    assert.equal(await deliver(1), 'expired', 'and it stays refused');
    assert.equal(await deliver(0, { stream: 'new' }), 'stored');
    assert.deepEqual(names(), ['0', 'new0']);
  });

  it('refuses what waited in vain for an earlier batch', async () => {
    const { time, deliver, names } = setUp();
    assert.equal(await deliver(0), 'stored');
    const waiting = deliver(2);
    await time.pass(17_000);
    assert.equal(await waiting, 'expired');
    assert.deepEqual(names(), ['0']);
  });

  it('does nothing of a stream that begins late: what follows does not wait for what will not come', async () => {
    const { time, deliver, names } = setUp();
    const overtaking = deliver(1);
    assert.equal(await deliver(0, { deadlineMs: time.nowMs() - 1 }), 'expired');
    assert.equal(await overtaking, 'not_owner');
    assert.equal(
      await deliver(LIMITS.batchesUnderWay * 4, { stream: 'other' }),
      'not_owner',
      'nor of one that begins with a batch that can not be among the first',
    );
    assert.deepEqual(names(), []);
  });

  it('counts the patience of a message from when its router had it', async () => {
    const { time, deliver, taken } = setUp();
    await deliver(0, { deadlineMs: time.nowMs() + 5_000 });
    assert.equal(taken[0]!.sinceMs, time.nowMs() - 10_000);
  });

  it('forgets streams that are silent, and the one that was silent longest when there are too many', async () => {
    const { time, deliver, intake } = setUp({ streamsMax: 2 });
    for (const stream of ['x', 'y']) await deliver(0, { stream });
    await deliver(1, { stream: 'x' });
    await deliver(0, { stream: 'z' });
    assert.equal(await deliver(2, { stream: 'x' }), 'stored', 'x was used later than y');
    assert.equal(intake.figures().streams, 2);
    await time.pass(125_000);
    assert.equal(intake.figures().streams, 0);
  });

  it('holds only so many batches that came too early', async () => {
    const { deliver } = setUp({ batchesUnderWay: 1 });
    for (let sequence = 1; sequence <= 3; sequence++) void deliver(sequence);
    void deliver(4, {});
    assert.equal(await deliver(5), 'overloaded');
  });
});
