import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIMITS } from '../../../contracts/limits.ts';
import type { DeviceRecord, Effects } from '../../../contracts/store.ts';
import type { Uplink } from '../../../contracts/uplinks.ts';
import { NOW_MS, uplink } from '../runtime/uplinks.ts';
import { around, newActor } from './new-actor.ts';

const actor = (record: Partial<DeviceRecord> = {}) => newActor({ state: 'registered', ...record });
const receive = (payload: unknown, more: Partial<Uplink> = {}, of = actor()): Effects =>
  of.receive(uplink('d', payload, more), around);
const keys = (effects: Effects) =>
  effects.datapoints.map(point => [point.measurement, point.tsUs, point.value, point.json]);
const reasonOf = (effects: Effects) =>
  effects.outcome.state === 'rejected' ? effects.outcome.reason : effects.outcome.state;

describe('a device actor takes telemetry', () => {
  it('flat, with RFC 3339 time down to the microsecond', () => {
    const effects = receive({ temperature: 23.5, timestamp: '2026-01-01T00:00:00.123456Z' });
    assert.deepEqual(keys(effects), [['temperature', NOW_MS * 1000 + 123_456, 23.5, null]]);
    assert.equal(effects.outcome.state, 'stored');
  });

  it('as ts and values, in milliseconds', () => {
    assert.deepEqual(keys(receive({ ts: NOW_MS, values: { a: 1, b: 2 } })), [
      ['a', NOW_MS * 1000, 1, null],
      ['b', NOW_MS * 1000, 2, null],
    ]);
  });

  it('as a list of both forms', () => {
    const effects = receive([
      { a: 1, timestamp: NOW_MS },
      { ts: NOW_MS + 1, values: { a: 2 } },
    ]);
    assert.deepEqual(
      keys(effects).map(key => key[2]),
      [1, 2],
    );
  });

  it('of every kind of value, numbers as numbers and the rest as JSON', () => {
    const effects = receive({ n: 1, yes: true, no: false, text: 'x', list: [1], object: { lat: 1 }, nothing: null });
    assert.deepEqual(
      effects.datapoints.map(p => [p.measurement, p.value, p.json]),
      [
        ['n', 1, null],
        ['yes', 1, 'true'],
        ['no', 0, 'false'],
        ['text', null, '"x"'],
        ['list', null, '[1]'],
        ['object', null, '{"lat":1}'],
      ],
    );
  });

  it('in CBOR, known by its first byte or its content type', () => {
    const cbor = Buffer.from('a16474656d70f94d00', 'hex');
    assert.deepEqual(
      receive(cbor).datapoints.map(p => [p.measurement, p.value]),
      [['temp', 20]],
    );
    assert.deepEqual(
      receive(cbor, { contentType: 'application/cbor' }).datapoints.map(p => p.value),
      [20],
    );
    assert.equal(reasonOf(receive(cbor, { contentType: 'application/json' })), 'invalid_utf8');
  });

  it('without a time at the time of the server, each message and each reading at its own', () => {
    const one = actor();
    const times = [receive({ a: 1 }, {}, one), receive({ a: 2 }, {}, one), receive([{ a: 3 }, { a: 4 }], {}, one)];
    const us = times.flatMap(effects => effects.datapoints.map(point => point.tsUs));
    assert.deepEqual(
      us,
      [0, 1, 2, 3].map(i => NOW_MS * 1000 + i),
    );
    assert.ok(times.every(effects => effects.datapoints.every(point => !point.mayExist)));
  });

  it('without a time after the clock was set back, and still never at a time that is taken', () => {
    const later = NOW_MS * 1000 + 5_000_000;
    const effects = receive({ a: 1, b: 2 }, {}, actor({ measurements: ['a', 'b'], newestUs: [later, later - 7] }));
    assert.deepEqual(
      effects.datapoints.map(p => [p.tsUs, p.mayExist]),
      [
        [later + 1, false],
        [later + 1, false],
      ],
    );
  });

  it('and says of each datapoint whether it may be stored already', () => {
    const one = actor({ measurements: ['a'], newestUs: [NOW_MS * 1000] });
    const mayExist = (ts: number, name = 'a') =>
      receive({ ts, values: { [name]: 1 } }, {}, one).datapoints[0]?.mayExist;
    assert.equal(mayExist(NOW_MS), true, 'the newest again');
    assert.equal(mayExist(NOW_MS - 1), true, 'a late one');
    assert.equal(mayExist(NOW_MS + 1), false, 'a newer one');
    assert.equal(mayExist(NOW_MS + 1), true, 'that one again');
    assert.equal(mayExist(NOW_MS, 'b'), false, 'another measurement');
  });

  it('and says which lie in another hour than the newest one of their measurement before', () => {
    const hour = Math.floor(NOW_MS / 3_600_000) * 3_600_000;
    const one = actor({ measurements: ['a'], newestUs: [hour * 1_000] });
    const opens = (ts: number, values: object) =>
      receive({ ts, values }, {}, one).datapoints.map(point => [point.measurement, point.opens]);
    assert.deepEqual(opens(hour + 1, { a: 1, b: 1 }), [
      ['a', false],
      ['b', true],
    ]);
    assert.deepEqual(opens(hour - 1, { a: 1 }), [['a', true]], 'a late one');
    assert.deepEqual(opens(hour + 2, { a: 1, b: 1 }), [
      ['a', false],
      ['b', false],
    ]);
  });
});

describe('a device actor keeps as a dead letter', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, i]));
  const deep = (levels: number) => `${'['.repeat(levels)}1${']'.repeat(levels)}`;
  const bad: [string, string, unknown, Partial<Uplink>?][] = [
    ['what is not JSON', 'invalid_json', 'temperature=23'],
    ['an empty payload', 'invalid_json', ''],
    ['what is not UTF-8', 'invalid_utf8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['broken CBOR', 'invalid_cbor', Buffer.from([0xa1, 0x64])],
    ['CBOR with a byte string for a value', 'invalid_value', Buffer.from('a1616142ffff', 'hex')],
    ['an unknown content type', 'invalid_shape', '{}', { contentType: 'text/csv' }],
    ['NaN', 'invalid_json', '{"a": NaN}'],
    ['1e999', 'invalid_value', '{"a": 1e999}'],
    ['a key __proto__', 'invalid_name', '{"__proto__": 1}'],
    ['a key __proto__ beside a timestamp', 'invalid_name', `{"__proto__": 1, "timestamp": ${NOW_MS}}`],
    ['an empty name', 'invalid_name', { '': 1 }],
    ['a name with a control character', 'invalid_name', { 'a\nb': 1 }],
    ['a name that is half a character', 'invalid_name', '{"\\ud800": 1}'],
    ['10,000 keys', 'too_many_values', many(10_000)],
    ['more measurements than a device may have', 'too_many_measurements', many(LIMITS.deviceMaxMeasurements + 1)],
    ['depth 1,000', 'invalid_value', `{"a": ${deep(1_000)}}`],
    ['a value of 40 KiB', 'invalid_value', { a: 'x'.repeat(40 * 1024) }],
    ['U+0000 in a text', 'invalid_value', { a: 'x\0y' }],
    ['a time in 1970', 'invalid_timestamp', { a: 1, timestamp: 1_000 }],
    ['a time in 2106', 'invalid_timestamp', { a: 1, timestamp: '2106-02-07T06:28:16Z' }],
    ['a time in seconds', 'invalid_timestamp', { a: 1, timestamp: NOW_MS / 1000 }],
    ['February 30th', 'invalid_timestamp', { a: 1, timestamp: '2025-02-30T00:00:00Z' }],
    ['a time that is an object', 'invalid_timestamp', { a: 1, timestamp: {} }],
    ['an empty messageId', 'invalid_message_id', { a: 1, messageId: '' }],
    ['a messageId that is a number', 'invalid_message_id', { a: 1, messageId: 5 }],
    ['a number', 'invalid_shape', 5],
    ['a list of numbers', 'invalid_shape', [1, 2]],
    ['an empty object', 'no_values', {}],
    ['an empty list', 'no_values', []],
    ['nothing but null', 'no_values', { a: null }],
    ['a kind that nothing takes', 'unsupported_kind', { a: 1 }, { kind: 'events' }],
    ['what its adapter refused', 'topic_forbidden', { a: 1 }, { refused: { reason: 'topic_forbidden', detail: 'x' } }],
  ];
  for (const [what, reason, payload, more] of bad)
    it(what, () => {
      const one = actor();
      const effects = receive(payload, more, one);
      assert.equal(reasonOf(effects), reason);
      assert.equal(effects.deadLetter?.reason, reason);
      assert.deepEqual(effects.deadLetter?.payload, uplink('d', payload).payload);
      assert.deepEqual(effects.datapoints, []);
      assert.equal(receive({ good: 1 }, {}, one).datapoints[0]?.mayExist, false, 'nothing of it stays in memory');
    });

  it('seconds, with a hint', () => {
    const effects = receive({ a: 1, timestamp: NOW_MS / 1000 });
    assert.match(effects.deadLetter?.detail ?? '', /looks like seconds: send milliseconds/);
  });

  it('what a suspended or decommissioned device sends', () => {
    for (const state of ['suspended', 'decommissioned'] as const)
      assert.equal(reasonOf(receive({ a: 1 }, {}, actor({ state }))), 'device_inactive');
  });

  it('texts that no database could store, made storable', () => {
    const { deadLetter } = receive('x', { topic: 'a\0b\ud800', contentType: 'c\0' });
    assert.deepEqual([deadLetter?.topic, deadLetter?.contentType], ['a\uFFFDb\uFFFD', 'c\uFFFD']);
  });
});
