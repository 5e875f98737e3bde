import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Arrival, Arrivals, joinReports } from '../../../../bench/commands/returns/arrivals.ts';

const command = (id: string, rank: number, attempt = 1): Arrival => ({ id, rank, attempt });

test('commands of each device in the order of their ranks are in order, however devices take turns', () => {
  const arrivals = new Arrivals();
  arrivals.take('d1', command('a', 0), 5);
  arrivals.take('d2', command('c', 0), 6);
  arrivals.take('d1', command('b', 1), 7);
  assert.equal(arrivals.commands, 3);
  assert.deepEqual(arrivals.report(), {
    momentsMs: Float64Array.of(5, 6, 7),
    ...{ commands: 3, again: 0, repetitions: 0, disordered: 0, disorders: [] },
  });
});

test('a command before its turn is told of, and so is one that was left out', () => {
  const arrivals = new Arrivals();
  arrivals.take('d1', command('b', 1), 5);
  arrivals.take('d1', command('a', 0), 6);
  arrivals.take('d1', command('d', 3), 7);
  const { disordered, disorders } = arrivals.report();
  assert.equal(disordered, 3);
  assert.equal(disorders[0], 'd1 got rank 1 as number 0, attempt 1');
});

test('what comes again counts as that, and changes nothing in the order', () => {
  const arrivals = new Arrivals();
  arrivals.take('d1', command('a', 0), 5);
  arrivals.take('d1', command('a', 0, 2), 6);
  arrivals.take('d1', command('b', 1, 2), 7);
  const { commands, again, repetitions, disordered } = arrivals.report();
  assert.deepEqual(
    { commands, again, repetitions, disordered },
    { commands: 2, again: 1, repetitions: 2, disordered: 0 },
  );
});

test('several reports are one', () => {
  const [one, other] = [new Arrivals(), new Arrivals()];
  one.take('d1', command('a', 0), 5);
  other.take('d2', command('b', 1), 4);
  const { momentsMs, commands, disordered, disorders } = joinReports([one.report(), other.report()]);
  assert.deepEqual([...momentsMs], [5, 4]);
  assert.deepEqual([commands, disordered, disorders.length], [2, 1, 1]);
});
