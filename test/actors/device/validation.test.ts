/** What a device sends against what its type says; and how good its values are, in its own words. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MeasurementDescriptions } from '../../../contracts/device-types.contract.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { Effects } from '../../../contracts/store.ts';
import { FLAGS, findingsOf, rulesOf, type TypeRules, type Validation } from '../../../contracts/validation.ts';
import { NOW_MS, uplink } from '../runtime/uplinks.ts';
import { around, newActor } from './new-actor.ts';

const MEASUREMENTS: MeasurementDescriptions = {
  temperature: { type: 'number', unit: 'Cel', min: -40, max: 120 },
  pressure: { type: 'number', min: 0, outOfRange: 'refuse' },
  on: { type: 'boolean' },
  text: { type: 'string' },
  place: { type: 'object' },
};
const ALL_FLAGGED: Validation = {
  outOfRange: 'flag',
  wrongType: 'flag',
  tooOld: 'flag',
  tooFarAhead: 'flag',
  wrongUnit: 'flag',
  unknownMeasurement: 'flag',
  tooOldSeconds: 60,
  tooFarAheadSeconds: 10,
};
const ALL_REFUSED = Object.fromEntries(
  Object.entries(ALL_FLAGGED).map(([name, it]) => [name, it === 'flag' ? 'refuse' : it]),
) as Validation;

const typeOf = (
  validation: Validation | null,
  measurements: MeasurementDescriptions | null = MEASUREMENTS,
): TypeRules => ({
  type: 'sensor',
  current: rulesOf(measurements, validation),
  isForgotten: false,
});
const sensor = (validation: Validation | null, measurements = MEASUREMENTS as MeasurementDescriptions | null) =>
  newActor({ rules: typeOf(validation, measurements) });
const receive = (payload: unknown, of = newActor()): Effects => of.receive(uplink('d', payload), around);
const findings = ({ datapoints }: Effects) =>
  Object.fromEntries(datapoints.map(it => [it.measurement, findingsOf(it.flags)]));
const refusal = ({ outcome, datapoints, deadLetter }: Effects) => {
  assert.equal(outcome.state, 'rejected');
  assert.deepEqual([datapoints.length, deadLetter?.reason], [0, outcome.state === 'rejected' ? outcome.reason : '']);
  return [deadLetter!.reason, deadLetter!.detail];
};
const ahead = (seconds: number, values: unknown = { temperature: 20 }, more: object = {}) => ({
  ts: NOW_MS + seconds * 1_000,
  values,
  ...more,
});

describe('a type that says', () => {
  const wrong = { temperature: 121, on: 1, text: {}, place: 'x', more: 1 };
  const { pressure: _pressure, ...unwatched } = MEASUREMENTS;
  for (const [what, validation] of [
    ['nothing', null],
    ['nothing of what does not fit', {}],
    ['that all is kept', { outOfRange: 'keep', tooOld: 'keep', tooOldSeconds: 1 }],
  ] as [string, Validation | null][])
    it(`${what} keeps everything, without a mark`, () => {
      assert.equal(rulesOf(unwatched, validation), null);
      const said = ahead(-3_600, wrong, { units: { temperature: '[degF]' } });
      const { datapoints } = receive(said, sensor(validation, unwatched));
      assert.deepEqual(
        datapoints.map(it => it.flags),
        [0, 0, 0, 0, 0],
      );
    });

  it('that all is flagged stores each value with what is wrong with it', () => {
    assert.deepEqual(findings(receive(wrong, sensor(ALL_FLAGGED))), {
      temperature: ['outOfRange'],
      on: ['wrongType'],
      text: ['wrongType'],
      place: ['wrongType'],
      more: ['unknownMeasurement'],
    });
  });

  it('how things are leaves alone what is so, its bounds included', () => {
    const right = { temperature: 120, pressure: 0, on: true, text: 'x', place: [1] };
    assert.ok(receive(ahead(10, right), sensor(ALL_REFUSED)).datapoints.every(it => it.flags === 0));
    assert.ok(receive(ahead(-60, { temperature: -40 }), sensor(ALL_REFUSED)).datapoints.every(it => it.flags === 0));
  });

  for (const [what, payload, reason, detail] of [
    ['a number that is too large', { temperature: 120.5 }, 'out_of_range', '"temperature" is 120.5, more than 120'],
    ['a number that is too small', { temperature: -41 }, 'out_of_range', '"temperature" is -41, less than -40'],
    ['a number as a text', { temperature: '20' }, 'wrong_type', '"temperature" is a string, and should be a number'],
    ['a number for a boolean', { on: 0 }, 'wrong_type', '"on" is a number, and should be a boolean'],
    [
      'a boolean for a number',
      { temperature: true },
      'wrong_type',
      '"temperature" is a boolean, and should be a number',
    ],
    ['what nobody knows', { wind: 1 }, 'unknown_measurement', 'The type of the device has no "wind"'],
    ['what every object knows', { toString: 1 }, 'unknown_measurement', 'The type of the device has no "toString"'],
    ['an old value', ahead(-61), 'too_old', '2025-12-31T23:58:59.000Z is more than 60 seconds ago'],
    [
      'a value of the future',
      ahead(11),
      'too_far_ahead',
      '2026-01-01T00:00:11.000Z is more than 10 seconds ahead of the server',
    ],
    [
      'another unit',
      ahead(0, { temperature: 20 }, { units: { temperature: '[degF]' } }),
      'wrong_unit',
      '"temperature" has the unit "[degF]", and should have "Cel"',
    ],
  ] as [string, unknown, string, string][])
    it(`that ${what} is refused makes one dead letter of its message, and says why`, () => {
      assert.deepEqual(refusal(receive(payload, sensor(ALL_REFUSED))), [reason, detail]);
    });

  it('that one value is refused refuses the whole message, and takes note of none of it', () => {
    const device = sensor(ALL_REFUSED);
    refusal(receive([ahead(1, { temperature: 20 }), ahead(2, { temperature: 500, on: true })], device));
    const next = receive(ahead(1, { temperature: 20 }), device);
    assert.deepEqual([next.outcome.state, next.datapoints[0]!.mayExist], ['stored', false]);
  });

  it('more of one measurement than of all is followed there', () => {
    assert.deepEqual(refusal(receive({ pressure: -1 }, sensor({ outOfRange: 'flag' })))[0], 'out_of_range');
    assert.deepEqual(refusal(receive({ pressure: -1 }, sensor(null)))[0], 'out_of_range');
    assert.deepEqual(findings(receive({ temperature: 200 }, sensor(null))), { temperature: [] });
  });

  it('several things of one value has all of them marked', () => {
    const said = ahead(-61, { temperature: 200 }, { units: { temperature: 'K' } });
    const { flags } = receive(said, sensor(ALL_FLAGGED)).datapoints[0]!;
    assert.equal(flags, FLAGS.tooOld | FLAGS.outOfRange | FLAGS.wrongUnit);
  });

  it('how old things may be says nothing of what comes without a time', () => {
    assert.deepEqual(findings(receive({ temperature: 1 }, sensor(ALL_REFUSED))), { temperature: [] });
  });

  it('no measurement at all knows none that is unknown', () => {
    assert.deepEqual(
      findings(receive({ wind: 1 }, sensor({ unknownMeasurement: 'refuse', wrongType: 'refuse' }, null))),
      {
        wind: [],
      },
    );
    refusal(receive({ wind: 1 }, sensor({ unknownMeasurement: 'refuse' }, {})));
  });

  it('more than the system about the future does not get it', () => {
    const beyond = LIMITS.timestampMaxAheadSeconds + 1;
    const device = sensor({ tooFarAhead: 'flag', tooFarAheadSeconds: 2 * beyond });
    assert.equal(refusal(receive(ahead(beyond), device))[0], 'invalid_timestamp');
  });

  it('something else from now on is gone by from now on', () => {
    const rules = typeOf({ outOfRange: 'flag' });
    const device = newActor({ rules });
    const flagged = receive({ temperature: 200 }, device);
    rules.current = rulesOf(MEASUREMENTS, { outOfRange: 'refuse' });
    const refused = receive({ temperature: 200 }, device);
    rules.current = null;
    const kept = receive({ temperature: 200 }, device);
    assert.deepEqual(
      [flagged, refused, kept].map(it => it.datapoints.map(point => point.flags)),
      [[FLAGS.outOfRange], [], [0]],
    );
  });
});

describe('a nested reading says', () => {
  const qualities = ({ datapoints }: Effects) => datapoints.map(it => it.quality);

  it('how good its values are: all of them, or each', () => {
    const values = { a: 1, b: 'x', toString: 2 };
    assert.deepEqual(qualities(receive(ahead(0, values, { quality: 0.9 }))), [0.9, 0.9, 0.9]);
    assert.deepEqual(qualities(receive(ahead(0, values, { quality: { b: 0, c: 1, a: null } }))), [null, 0, null]);
    assert.deepEqual(qualities(receive([ahead(0, { a: 1 }, { quality: 1 }), ahead(1, { a: 1 })])), [1, null]);
    assert.deepEqual(qualities(receive(ahead(0, values, { quality: null, units: null }))), [null, null, null]);
  });

  it('in which units, which is nothing to a type that says none', () => {
    const said = ahead(0, { on: true, temperature: 20, wind: 1 }, { units: { on: 'Cel', temperature: 'Cel', x: 'y' } });
    assert.deepEqual(findings(receive(said, sensor({ wrongUnit: 'flag' }))), { on: [], temperature: [], wind: [] });
  });

  for (const [what, more] of [
    ['a quality above 1', { quality: 1.01 }],
    ['a quality below 0', { quality: -0.1 }],
    ['a quality in words', { quality: 'good' }],
    ['a list of qualities', { quality: [1] }],
    ['a quality that is no number among others', { quality: { a: 1, b: 'good' } }],
    ['a unit for all', { units: 'Cel' }],
    ['a unit that is a number', { units: { a: 1 } }],
  ] as [string, object][])
    it(`nothing with ${what}: it becomes a dead letter`, () => {
      assert.equal(refusal(receive(ahead(0, { a: 1 }, more)))[0], 'invalid_value');
    });

  it('and a flat one does not: there it is a measurement like any other', () => {
    const effects = receive({ a: 1, quality: 7, units: 'x' });
    assert.deepEqual(
      effects.datapoints.map(it => [it.measurement, it.value, it.json, it.quality]),
      [
        ['a', 1, null, null],
        ['quality', 7, null, null],
        ['units', null, '"x"', null],
      ],
    );
  });
});
