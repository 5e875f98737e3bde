/** Rules of types in a host: what nobody keeps up to date any more is not gone by for long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Host } from '../../../actors/runtime/host.ts';
import { decode } from '../../../adapters/codecs/index.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { FLAGS, rulesOf, type TypeRules } from '../../../contracts/validation.ts';
import { EVERYTHING } from './holdings.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryStore } from './memory-store.ts';
import { uplink } from './uplinks.ts';

const saying = (outOfRange: 'flag' | 'refuse'): TypeRules => ({
  type: 'sensor',
  current: rulesOf({ t: { type: 'number', max: 9 } }, { outOfRange }),
  isForgotten: false,
});

test('an actor whose rules were forgotten is loaded again before its next message, and loses none', async () => {
  const store = new MemoryStore();
  store.addDevice(uplink('a', {}).address);
  const time = new ManualTime();
  const host = new Host({
    store,
    decode,
    clock: time,
    scheduler: time,
    random: { uuid: () => 'id', fraction: () => 0 },
    limits: LIMITS,
    onFenced: () => {},
    onDefect: () => {},
  });
  host.start();
  host.admit(EVERYTHING);
  const outcomes: string[] = [];
  const send = () => host.receive(uplink('a', { t: 10 }), it => outcomes.push(it.state));

  const first = saying('flag');
  store.rules.set(1, first);
  send();
  await time.settle();
  first.isForgotten = true;
  store.rules.set(1, saying('refuse'));
  send();
  send();
  await time.settle();
  send();
  await time.settle();

  assert.deepEqual(outcomes, ['stored', 'rejected', 'rejected', 'rejected']);
  assert.equal(store.loads, 2);
  assert.deepEqual(
    [...store.points.values()].map(it => it.flags),
    [FLAGS.outOfRange],
  );
});
