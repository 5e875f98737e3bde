import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { place } from '../../../actors/placement/placement.ts';
import { SHARDS } from '../../../contracts/addresses.ts';
import type { Holding } from '../../../contracts/ownership.ts';
import { everything } from '../runtime/holdings.ts';

const members = (names: readonly string[]) => names.map(name => ({ instanceId: `instance of ${name}`, nodeId: name }));
const names = (from: number, to: number) =>
  fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: from, maxLength: to });
const after = (holders: readonly string[]): Holding[] => holders.map((holder, shard) => ({ shard, epoch: 1, holder }));
const loads = (placed: readonly string[]): number[] => {
  const counts = new Map<string, number>();
  for (const holder of placed) counts.set(holder, (counts.get(holder) ?? 0) + 1);
  return [...counts.values()];
};
const moved = (before: readonly string[], now: readonly string[]) =>
  now.filter((holder, i) => holder !== before[i]).length;

describe('placement', () => {
  it('gives every shard to somebody, and to nobody much more than to others', () => {
    fc.assert(
      fc.property(names(1, 9), list => {
        const placed = place(members(list), everything(null));
        assert.equal(placed.length, SHARDS);
        assert.ok(placed.every(holder => holder !== undefined));
        assert.ok(Math.max(...loads(placed)) <= Math.ceil((1.15 * SHARDS) / list.length));
      }),
    );
  });

  it('is the same for all who see the same, in whatever order they see it', () => {
    fc.assert(
      fc.property(names(2, 6), list =>
        assert.deepEqual(place(members(list), everything(null)), place(members(list).toReversed(), everything(null))),
      ),
    );
  });

  it('leaves everything where it is when nothing changed', () => {
    const placed = place(members(['a', 'b', 'c']), everything(null));
    assert.deepEqual(place(members(['a', 'b', 'c']), after(placed)), placed);
  });

  it('moves one part in n + 1 to a node that joins n others, and nothing among the others', () => {
    fc.assert(
      fc.property(names(2, 9), list => {
        const before = place(members(list.slice(0, -1)), everything(null));
        const now = place(members(list), after(before));
        assert.ok(moved(before, now) <= SHARDS / list.length, `${moved(before, now)} of ${SHARDS}`);
        const newcomer = members(list).at(-1)!.instanceId;
        assert.ok(now.every((holder, i) => holder === before[i] || holder === newcomer));
      }),
    );
  });

  it('moves only the shards of a node that is gone', () => {
    fc.assert(
      fc.property(names(3, 9), list => {
        const before = place(members(list), everything(null));
        const [gone] = members(list);
        const now = place(members(list.slice(1)), after(before));
        for (let i = 0; i < SHARDS; i++) if (before[i] !== gone!.instanceId) assert.equal(now[i], before[i]);
      }),
    );
  });

  it('gives to nobody when there is nobody', () => {
    assert.deepEqual(place([], everything('gone')), []);
  });
});
