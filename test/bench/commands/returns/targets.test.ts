import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePaces } from '../../../../bench/commands/returns/return-options.ts';
import type { ReturnFigures } from '../../../../bench/commands/returns/return-run.ts';
import { judgeReturn } from '../../../../bench/commands/returns/return-targets.ts';

const arrivals = { commands: 20, again: 0, repetitions: 0, disordered: 0, disorders: [] };
const figures: ReturnFigures = {
  ...{
    queuedSeconds: 1,
    connectedSeconds: 1,
    doneSeconds: 2,
    sentInTheMiddle: 10,
    mostSentInASecond: 10,
    mostArrivedInASecond: 10,
  },
  arrivals,
  stored: { states: { succeeded: 20 }, repeated: 0, takenBack: {}, lastEndMs: 0 },
  cpuSeconds: { skein: 1, postgres: 1, devices: 1 },
  memory: [],
};
const missed = (changed: Partial<ReturnFigures>) =>
  judgeReturn({ nodes: 1, devices: 10, commands: 2, pace: 10, figures: { ...figures, ...changed } })
    .filter(it => it.met === false)
    .map(it => it.figure.split(': ')[1]);

test('everything that arrives, ends, and keeps order and pace is well', () => {
  assert.deepEqual(missed({}), []);
});

test('each of these by itself is not', () => {
  assert.deepEqual(missed({ arrivals: { ...arrivals, commands: 19 } }), ['commands that devices got']);
  assert.deepEqual(missed({ stored: { ...figures.stored, states: { succeeded: 19, unknown: 1 } } }), [
    'commands stored as succeeded',
  ]);
  assert.deepEqual(missed({ stored: { ...figures.stored, states: {} } }), ['commands stored as succeeded']);
  assert.deepEqual(missed({ arrivals: { ...arrivals, disordered: 1 } }), ['commands out of order']);
  assert.deepEqual(missed({ mostSentInASecond: 11 }), ['sent in any second, as stored']);
  assert.deepEqual(missed({ mostArrivedInASecond: 11 }), ['arrived in any second']);
});

test('paces are whole numbers with commas, or none', () => {
  assert.deepEqual(parsePaces('1000,50000'), [1_000, 50_000]);
  assert.deepEqual(parsePaces(''), []);
  for (const wrong of ['0', '1,', 'fast', '1.5', '-1']) assert.throws(() => parsePaces(wrong), RangeError);
});
