import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { delta, isSame, mergePatch } from '../../../actors/device/merge-patch.ts';
import { isJsonObject, type JsonObject } from '../../../contracts/json.ts';
import type { LeafTimes } from '../../../contracts/twins.ts';

const FIRST_MS = 1_000;
const NOW_MS = 2_000;
/** With names that are traps for who puts them into objects without care. */
const name = fc.oneof(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'toString'), fc.string());
const leaf = fc.oneof(fc.constantFrom(0, 1, 'x', true, ''), fc.array(fc.constantFrom(1, null, 'y'), { maxLength: 2 }));
const tree = (leaves: fc.Arbitrary<unknown>): fc.Arbitrary<JsonObject> =>
  fc.letrec<{ tree: JsonObject; value: unknown }>(tie => ({
    tree: fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    value: fc.oneof({ maxDepth: 4, depthSize: 'small' }, leaves, tie('tree')),
  })).tree;
const document = tree(leaf);
const patch = tree(fc.oneof(leaf, fc.constant(null)));

const timesOf = (of: JsonObject, ms: number): LeafTimes =>
  Object.fromEntries(Object.entries(of).map(([key, value]) => [key, isJsonObject(value) ? timesOf(value, ms) : ms]));
const merged = (before: JsonObject, by: JsonObject) => mergePatch(before, timesOf(before, FIRST_MS), by, NOW_MS);

/** RFC 7396, section 2, as it stands there. */
function prescribed(target: unknown, by: unknown): unknown {
  if (!isJsonObject(by)) return by;
  const result = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(by))
    if (value === null) result.delete(key);
    else result.set(key, prescribed(result.get(key), value));
  return Object.fromEntries(result);
}

/** Every part of `wanted` is in `is`, with the same value. */
const contains = (is: unknown, wanted: unknown): boolean =>
  isJsonObject(wanted)
    ? isJsonObject(is) && Object.keys(wanted).every(key => Object.hasOwn(is, key) && contains(is[key], wanted[key]))
    : isSame(is, wanted);

/** The times have the shape of their document, and nothing but times in it. */
const fits = (times: unknown, of: unknown): boolean =>
  isJsonObject(of)
    ? isJsonObject(times) &&
      Object.keys(times).length === Object.keys(of).length &&
      Object.keys(of).every(key => Object.hasOwn(times, key) && fits(times[key], of[key]))
    : typeof times === 'number';

describe('A merge patch', () => {
  // RFC 7396, appendix A: those whose target and patch are objects.
  for (const [before, by, after] of [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ] as const)
    it(`${JSON.stringify(by)} makes ${JSON.stringify(after)} of ${JSON.stringify(before)}`, () => {
      assert.deepEqual(merged(before, by).document, after);
    });

  it('does what the RFC prescribes, whatever the names and values', () => {
    fc.assert(
      fc.property(document, patch, (before, by) => {
        assert.deepEqual(merged(before, by).document, prescribed(before, by));
      }),
    );
  });

  it('says that it changed something exactly when the document is another one', () => {
    fc.assert(
      fc.property(document, patch, (before, by) => {
        const { document: after, times, changed } = merged(before, by);
        assert.equal(changed, !isSame(after, before));
        if (!changed) assert.ok(after === before && isSame(times, timesOf(before, FIRST_MS)));
      }),
    );
  });

  it('changes nothing when it comes a second time', () => {
    fc.assert(
      fc.property(document, patch, (before, by) => {
        const once = merged(before, by);
        assert.equal(mergePatch(once.document, once.times, by, NOW_MS + 1).changed, false);
      }),
    );
  });

  it('changes nothing that it was given, and no object of everybody', () => {
    fc.assert(
      fc.property(document, patch, (before, by) => {
        const copies = structuredClone([Object.entries(before), Object.entries(by)]);
        merged(before, by);
        assert.deepEqual([Object.entries(before), Object.entries(by)], copies);
        assert.deepEqual(Object.keys(Object.prototype), []);
      }),
    );
  });

  it('keeps a time beside each leaf and nothing else', () => {
    fc.assert(
      fc.property(document, patch, (before, by) => {
        const { document: after, times } = merged(before, by);
        assert.ok(fits(times, after));
      }),
    );
    assert.equal(fits({ a: 1, b: 2 }, { a: 'x' }), false, 'a time without a leaf is noticed');
  });

  it('gives a new time to leaves with a new value only', () => {
    const before = { same: 1, other: 1, list: [1, { x: 1, y: 2 }], gone: 1, in: { kept: 1, set: 1 } };
    const by = { same: 1, other: 2, list: [1, { y: 2, x: 1 }], gone: null, in: { set: 2 }, added: { deep: [] } };
    const { times } = merged(before, by);
    assert.deepEqual(times, {
      same: FIRST_MS,
      other: NOW_MS,
      list: FIRST_MS,
      in: { kept: FIRST_MS, set: NOW_MS },
      added: { deep: NOW_MS },
    });
  });
});

describe('The delta', () => {
  it('brings all that is desired into what is reported, and leaves nothing to do', () => {
    fc.assert(
      fc.property(document, document, (desired, reported) => {
        const after = merged(reported, delta(desired, reported)).document;
        assert.ok(contains(after, desired));
        assert.deepEqual(delta(desired, after), {});
      }),
    );
    assert.equal(contains({ a: { b: 1 } }, { a: { b: 2 } }), false, 'a part that differs is noticed');
  });

  it('has only what differs: each leaf of it is one that is not reported so', () => {
    const leaves = (of: JsonObject, path: string[] = []): [string[], unknown][] =>
      Object.entries(of).flatMap(([key, value]) =>
        isJsonObject(value) && Object.keys(value).length > 0
          ? leaves(value, [...path, key])
          : [[[...path, key], value] as [string[], unknown]],
      );
    const at = (of: unknown, path: string[]): unknown =>
      path.reduce((it: unknown, key) => (isJsonObject(it) && Object.hasOwn(it, key) ? it[key] : undefined), of);
    fc.assert(
      fc.property(document, document, (desired, reported) => {
        for (const [path, value] of leaves(delta(desired, reported))) {
          assert.ok(isSame(at(desired, path), value));
          assert.ok(!isSame(at(reported, path), value));
        }
      }),
    );
  });

  it('carries arrays whole, and what is reported but not desired not at all', () => {
    const desired = { list: [1, 2, 3], same: [{ a: 1 }], in: { x: 1, y: 2 } };
    const reported = { list: [1, 2], same: [{ a: 1 }], in: { x: 1 }, extra: true };
    assert.deepEqual(delta(desired, reported), { list: [1, 2, 3], in: { y: 2 } });
  });
});
