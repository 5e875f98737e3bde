/** Readings as datapoints: what of them can be stored, before any of it is. */
import type { Limits } from '../../contracts/limits.ts';
import type { Datapoint } from '../../contracts/store.ts';
import type { Refusal } from '../../contracts/uplinks.ts';
import { type Reading, tooMany } from './readings.ts';
import { isMeasurementName, type Series } from './series.ts';
import { storedValue } from './value.ts';

/** Whether all names are allowed and the device may have that many measurements. */
export function checkNames(all: readonly Reading[], series: Series, limits: Limits): Refusal | undefined {
  let count = 0;
  let added: Set<string> | undefined;
  for (const { values } of all) {
    const names = Object.keys(values);
    count += names.length;
    if (count > limits.messageMaxValues) return tooMany(limits);
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (series.find(name, i) >= 0) continue;
      if (!isMeasurementName(name, limits))
        return {
          reason: 'invalid_name',
          detail: `${JSON.stringify(name.slice(0, 60))} is not a name for a measurement`,
        };
      added ??= new Set();
      added.add(name);
      if (series.count + added.size > limits.deviceMaxMeasurements)
        return {
          reason: 'too_many_measurements',
          detail: `A device has at most ${limits.deviceMaxMeasurements} measurements`,
        };
    }
  }
  return undefined;
}

/**
 * The datapoints of one reading. Until the server's time is given to a reading without one, `unstamped` (a negative number of
 * its own for each reading) stands in its place. Null means: no value.
 */
export function collect(reading: Reading, unstamped: number, into: Datapoint[], limits: Limits): Refusal | undefined {
  const { values, messageId } = reading;
  const tsUs = reading.tsUs ?? unstamped;
  for (const measurement of Object.keys(values)) {
    const given = values[measurement];
    if (given === null) continue;
    if (typeof given === 'number') {
      if (!Number.isFinite(given))
        return { reason: 'invalid_value', detail: `${JSON.stringify(measurement)} is not finite` };
      into.push({
        measurement,
        tsUs,
        value: given,
        json: null,
        mayExist: false,
        opens: false,
        quality: null,
        flags: 0,
        messageId,
      });
      continue;
    }
    const stored = storedValue(given, limits);
    if (typeof stored === 'string')
      return { reason: 'invalid_value', detail: `${JSON.stringify(measurement)} ${stored}` };
    into.push({
      measurement,
      tsUs,
      value: stored.value,
      json: stored.json,
      mayExist: false,
      opens: false,
      quality: null,
      flags: 0,
      messageId,
    });
  }
  return undefined;
}
