import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { CommandRejected, type DeviceOptions } from '../../clients/device/skein-device.ts';
import { connectedDevice, newFolder } from './running-device.ts';
import { SmallBroker } from './small-broker.ts';

/** Counts how often each command was carried out. */
function counting(more: DeviceOptions['commands'] = {}) {
  const done: string[] = [];
  const commands: DeviceOptions['commands'] = {
    add: (parameters, { id }) => {
      done.push(id);
      return { sum: Number(parameters.a) + Number(parameters.b) };
    },
    ...more,
  };
  return { done, commands };
}

test('a command is carried out once however often it comes, and answered each time', async t => {
  const broker = await SmallBroker.start(t);
  const { done, commands } = counting();
  const { device } = await connectedDevice(t, { url: broker.url, commands });
  for (let attempt = 1; attempt <= 5; attempt++) {
    await broker.command('d1', 'c1', 'add', { parameters: { a: 1, b: 2 }, attempt });
    await broker.until(() => broker.acknowledgements.length >= attempt);
    // An answer that is still on its way is not given again.
    while (device.figures.spooledMessages > 0) await new Promise(setImmediate);
  }
  assert.deepEqual(done, ['c1']);
  assert.deepEqual(broker.acknowledgements, Array(5).fill({ id: 'c1', status: 'succeeded', result: { sum: 3 } }));
});

test('a handler that throws, one that refuses, a name that nobody knows, and results that are not to be told', async t => {
  const broker = await SmallBroker.start(t);
  const { commands } = counting({
    fail: () => {
      throw new Error('the pump is stuck');
    },
    refuse: () => {
      throw new CommandRejected('not while it is hot');
    },
    big: () => 'x'.repeat(100_000),
    circle: () => {
      const circle: { itself?: unknown } = {};
      circle.itself = circle;
      return circle;
    },
    nothing: async () => {},
  });
  await connectedDevice(t, { url: broker.url, commands });
  const names = ['fail', 'refuse', 'big', 'circle', 'nothing', 'toString'];
  for (const name of names) await broker.command('d1', name, name);
  await broker.until(() => broker.acknowledgements.length === names.length);
  assert.deepEqual(broker.acknowledgements, [
    { id: 'fail', status: 'failed', error: 'the pump is stuck' },
    { id: 'refuse', status: 'rejected', error: 'not while it is hot' },
    { id: 'big', status: 'succeeded', error: 'result_too_large' },
    { id: 'circle', status: 'succeeded', error: 'result_not_json' },
    { id: 'nothing', status: 'succeeded' },
    { id: 'toString', status: 'rejected', error: 'unknown_command' },
  ]);
});

test('a command whose deadline has passed is not carried out; one that is still in time is', async t => {
  const broker = await SmallBroker.start(t);
  const { done, commands } = counting();
  await connectedDevice(t, { url: broker.url, commands, nowMs: () => Date.parse('2026-01-01T00:00:10Z') });
  await broker.command('d1', 'late', 'add', { deadline: '2026-01-01T00:00:10.000Z' });
  await broker.command('d1', 'early', 'add', { deadline: '2026-01-01T00:00:10.001Z' });
  await broker.until(() => broker.acknowledgements.length === 2);
  assert.deepEqual(broker.acknowledgements[0], { id: 'late', status: 'rejected', error: 'deadline_passed' });
  assert.deepEqual(done, ['early']);
});

test('one at a time, in the order in which they came; one that comes again meanwhile is the same', async t => {
  const broker = await SmallBroker.start(t);
  const steps: string[] = [];
  const gate = Promise.withResolvers<void>();
  const commands: DeviceOptions['commands'] = {
    slow: async (_parameters, { id }) => {
      steps.push(`${id} begins`);
      await gate.promise;
      steps.push(`${id} ends`);
    },
  };
  const { device } = await connectedDevice(t, { url: broker.url, commands });
  const started = once(device, 'command');
  for (const id of ['a', 'b', 'a', 'b', 'c']) await broker.command('d1', id, 'slow');
  await started;
  gate.resolve();
  await broker.until(() => broker.acknowledgements.length === 3);
  assert.deepEqual(steps, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('acceptance is said before the command is carried out, when that is asked for', async t => {
  const broker = await SmallBroker.start(t);
  const { commands } = counting();
  await connectedDevice(t, { url: broker.url, commands, acknowledgesAcceptance: true });
  await broker.command('d1', 'c1', 'add');
  await broker.until(() => broker.acknowledgements.length === 2);
  assert.deepEqual(
    broker.acknowledgements.map(it => it.status),
    ['accepted', 'succeeded'],
  );
});

test('after a restart a command that was answered is answered again, and not carried out', async t => {
  const broker = await SmallBroker.start(t);
  const folder = await newFolder(t);
  const { done, commands } = counting();
  const first = await connectedDevice(t, { url: broker.url, commands, folder });
  await broker.command('d1', 'c1', 'add', { parameters: { a: 1, b: 1 } });
  await broker.until(() => broker.acknowledgements.length === 1);
  await first.device.stop();
  await connectedDevice(t, { url: broker.url, commands, folder });
  const before = broker.acknowledgements.length;
  await broker.command('d1', 'c1', 'add', { parameters: { a: 1, b: 1 } });
  await broker.until(() => broker.acknowledgements.length > before);
  assert.deepEqual(done, ['c1']);
  assert.deepEqual(broker.acknowledgements.at(-1), { id: 'c1', status: 'succeeded', result: { sum: 2 } });
});

for (const idempotent of [false, true])
  test(`interrupted in the middle, ${idempotent ? 'idempotent: carried out when it comes again' : 'otherwise: unknown'}`, async t => {
    const broker = await SmallBroker.start(t);
    const folder = await newFolder(t);
    let runs = 0;
    const handle = (_: unknown, { signal }: { signal: AbortSignal }) => {
      runs++;
      if (runs > 1) return runs;
      // The first process never comes to an end.
      return new Promise(resolve => signal.addEventListener('abort', () => setTimeout(resolve, 1e9).unref()));
    };
    const options = {
      url: broker.url,
      commands: { work: { handle, idempotent } },
      folder,
      limits: { stopTimeoutMs: 0 },
    };
    const first = await connectedDevice(t, options);
    const started = once(first.device, 'command');
    await broker.command('d1', 'c1', 'work');
    await started;
    await first.device.stop();
    await connectedDevice(t, options);
    if (!idempotent) await broker.until(() => broker.acknowledgements.length === 1);
    await broker.command('d1', 'c1', 'work');
    await broker.until(() => broker.acknowledgements.length === (idempotent ? 1 : 2));
    const answer = idempotent
      ? { id: 'c1', status: 'succeeded', result: 2 }
      : { id: 'c1', status: 'unknown', error: 'interrupted' };
    assert.deepEqual(broker.acknowledgements.at(-1), answer);
    assert.equal(runs, idempotent ? 2 : 1);
  });

test('what is no command is an error, and the next command is carried out', async t => {
  const broker = await SmallBroker.start(t);
  const { done, commands } = counting();
  const { errors } = await connectedDevice(t, { url: broker.url, commands });
  for (const content of ['text', 1, [], {}, { id: 7, command: 'add' }, { id: 'x'.repeat(300), command: 'add' }])
    await broker.send('devices/d1/commands', content);
  await broker.command('d1', 'c1', 'add');
  await broker.until(() => broker.acknowledgements.length === 1);
  assert.equal(errors.length, 6);
  assert.deepEqual(done, ['c1']);
});

test('a listener that throws harms no command', async t => {
  const broker = await SmallBroker.start(t);
  const { commands } = counting();
  const { device, errors } = await connectedDevice(t, { url: broker.url, commands });
  device.on('command', () => {
    throw new Error('a bug');
  });
  await broker.command('d1', 'c1', 'add', { parameters: { a: 1, b: 1 } });
  await broker.until(() => broker.acknowledgements.length === 1);
  assert.equal(broker.answerTo('c1')?.status, 'succeeded');
  assert.match(errors[0]!.message, /A listener of command failed/);
});

test('of ten thousand commands at once as many are carried out as may wait, each once, the others when they come again', async t => {
  const broker = await SmallBroker.start(t);
  const { done, commands } = counting();
  const { errors } = await connectedDevice(t, { url: broker.url, commands });
  const ids = Array.from({ length: 10_000 }, (_, n) => `c${n}`);
  for (const id of ids) void broker.command('d1', id, 'add');
  while (errors.length + done.length < ids.length) await new Promise(setImmediate);
  assert.ok(done.length >= 100 && errors.length > 0);
  for (const id of ids.filter(it => !done.includes(it)).slice(0, 5)) {
    await broker.command('d1', id, 'add', { attempt: 2 });
    await broker.until(() => broker.answerTo(id) !== undefined);
  }
  assert.equal(new Set(done).size, done.length);
  assert.ok(errors.every(it => /Too many commands wait/.test(it.message)));
});

test('a clock that jumps back does not make a command be carried out again, and one ahead refuses what it would', async t => {
  const broker = await SmallBroker.start(t);
  const { done, commands } = counting();
  let nowMs = Date.parse('2026-01-01T00:00:00Z');
  const { device } = await connectedDevice(t, { url: broker.url, commands, nowMs: () => nowMs });
  const deadline = '2026-01-01T01:00:00Z';
  for (const jumpMs of [0, -1e12, 1e12, -1e12]) {
    nowMs += jumpMs;
    const before = broker.acknowledgements.length;
    await broker.command('d1', 'c1', 'add', { deadline });
    await broker.until(() => broker.acknowledgements.length > before);
    while (device.figures.spooledMessages > 0) await new Promise(setImmediate);
  }
  assert.deepEqual(done, ['c1']);
});

test('while the answers that wait fill the spool no command is carried out, and each is when they are gone', async t => {
  const broker = await SmallBroker.start(t);
  broker.ignores = () => true;
  const { done, commands } = counting({ big: () => 'x'.repeat(30_000) });
  const { device, errors } = await connectedDevice(t, {
    url: broker.url,
    commands,
    limits: { spoolMaxBytes: 64 * 1024, messageMaxBytes: 64 * 1024 },
  });
  for (let n = 0; n < 10; n++) await broker.command('d1', `c${n}`, 'big');
  while (errors.length < 7) await new Promise(setImmediate);
  assert.equal(device.figures.spooledMessages, 3);
  assert.match(errors[0]!.message, /Too many answers wait/);
  broker.ignores = () => false;
  broker.cut();
  await broker.until(() => broker.acknowledgements.length === 3);
  while (device.figures.spooledMessages > 0) await new Promise(setImmediate);
  await broker.command('d1', 'later', 'add');
  await broker.until(() => broker.answerTo('later') !== undefined);
  assert.deepEqual(done, ['later']);
});

test('an answer does not wait behind telemetry that piled up', async t => {
  const broker = await SmallBroker.start(t);
  const { commands } = counting();
  const waiting: (() => void)[] = [];
  broker.delays = go => waiting.push(go);
  const { device } = await connectedDevice(t, { url: broker.url, commands, limits: { inFlightMaxMessages: 1 } });
  for (let n = 0; n < 50; n++) await device.telemetry({ n });
  await broker.command('d1', 'c1', 'add');
  while (device.figures.spooledMessages < 51) await new Promise(setImmediate);
  while (broker.answerTo('c1') === undefined) {
    waiting.shift()?.();
    await new Promise(setImmediate);
  }
  assert.ok(broker.of('/telemetry').length < 45);
  broker.delays = undefined;
  for (const go of waiting) go();
  await broker.until(() => broker.of('/telemetry').length === 50);
});

test('an error message of bytes that JSON makes long still fits into an answer', async t => {
  const broker = await SmallBroker.start(t);
  const { commands } = counting({
    fail: () => {
      throw new Error('\0'.repeat(100_000));
    },
  });
  await connectedDevice(t, { url: broker.url, commands });
  await broker.command('d1', 'c1', 'fail');
  await broker.until(() => broker.acknowledgements.length === 1);
  assert.ok(JSON.stringify(broker.answerTo('c1')).length < 32 * 1024);
});

test('a listener that is an async function and rejects harms nothing either', async t => {
  const broker = await SmallBroker.start(t);
  const { commands } = counting();
  const { device, errors } = await connectedDevice(t, { url: broker.url, commands });
  device.on('command', async () => {
    throw new Error('a bug');
  });
  await broker.command('d1', 'c1', 'add');
  await broker.until(() => broker.acknowledgements.length === 1);
  assert.match(errors[0]!.message, /A listener of command failed/);
});
