import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Counted } from './twin-account.ts';
import { compareTwins } from './twin-comparison.ts';

const stepsTo = (version: number) =>
  Array.from({ length: version }, (_, i) => ({ version: i + 1, patch: { counter: i + 1 } }));
const twin = (counter: number, more: Partial<Counted> = {}, stored: Partial<Counted['stored']> = {}): Counted => ({
  deviceId: 'd1',
  document: 'desired',
  acknowledged: counter,
  hasUnknown: false,
  stored: { version: counter, counter, steps: stepsTo(counter), events: stepsTo(counter), ...stored },
  applied: counter,
  ...more,
});

test('what is as it was acknowledged is in order, and so is one more that nobody answered for', () => {
  const twins = [
    twin(5),
    twin(0),
    twin(5, { applied: undefined }),
    twin(5, { hasUnknown: true }),
    twin(6, { acknowledged: 5, hasUnknown: true }),
  ];
  assert.deepEqual(compareTwins(twins), []);
});

const PLANTED: Record<string, [twin: Counted, found: RegExp]> = {
  'a change that was acknowledged and is gone': [twin(5, { acknowledged: 6 }), /6 was acknowledged, 5 is stored/],
  'a change that nobody sent': [twin(6, { acknowledged: 5 }), /never sent/],
  'a change that made two versions': [twin(5, {}, { version: 6, steps: stepsTo(6), events: stepsTo(6) }), /version 6/],
  'a step that is missing': [twin(5, {}, { steps: stepsTo(5).toSpliced(2, 1) }), /its steps are not 1 to 5/],
  'an event that is missing': [twin(5, {}, { events: stepsTo(4) }), /its events are not 1 to 5/],
  'an event that came twice': [
    twin(5, {}, { events: [...stepsTo(5), { version: 5, patch: { counter: 5 } }] }),
    /its events are not 1 to 5/,
  ],
  'events in another order': [twin(5, {}, { events: stepsTo(5).reverse() }), /its events are not 1 to 5/],
  'a device that did not apply the last one': [twin(5, { applied: 4 }), /5 is desired, the device applied 4/],
};
for (const [name, [planted, found]] of Object.entries(PLANTED))
  test(`found: ${name}`, () => {
    const faults = compareTwins([planted]);
    assert.equal(faults.length, 1, faults.join('; '));
    assert.match(faults[0]!, found);
  });
