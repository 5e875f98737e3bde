/** What a telemetry message is made of, and what it makes of the measurements of its device. */
import type { Datapoint, Effects } from '../../contracts/store.ts';
import type { Refusal, Uplink } from '../../contracts/uplinks.ts';
import { checkNames, collect } from './datapoints.ts';
import { decoded } from './decoded.ts';
import { readings } from './readings.ts';
import type { Series } from './series.ts';
import type { Surroundings } from './surroundings.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NOTHING: readonly never[] = [];

/**
 * Everything is checked before anything is taken note of, so a refused message leaves no trace in the actor.
 *
 * @param effects that store nothing yet: what the message stores is put into them, because a copy would cost each message more
 */
export function takeTelemetry(
  series: Series,
  uplink: Uplink,
  { decode, limits }: Surroundings,
  effects: Mutable<Effects>,
): Effects | Refusal {
  const content = decoded(uplink, decode);
  if ('refusal' in content) return content.refusal;
  const all = readings(content.value, uplink.receivedAtMs, limits);
  if ('reason' in all) return all;
  const problem = checkNames(all, series, limits);
  if (problem) return problem;
  const datapoints: Mutable<Datapoint>[] = [];
  for (let i = 0; i < all.length; i++) {
    const refused = collect(all[i]!, -1 - i, datapoints, limits);
    if (refused) return refused;
  }
  if (datapoints.length === 0) return { reason: 'no_values', detail: 'The message carries no value' };
  effects.newMeasurements = note(series, uplink, datapoints);
  effects.datapoints = datapoints;
  return effects;
}

/** Gives the checked datapoints their times and marks, and takes note of them. Answers which measurements are new. */
function note(series: Series, uplink: Uplink, datapoints: Mutable<Datapoint>[]): readonly string[] {
  let newMeasurements: string[] | undefined;
  let unstamped = 0;
  let stampUs = 0;
  for (let i = 0; i < datapoints.length; i++) {
    const datapoint = datapoints[i]!;
    let place = series.find(datapoint.measurement, i);
    if (place < 0) {
      place = series.add(datapoint.measurement);
      newMeasurements ??= [];
      newMeasurements.push(datapoint.measurement);
    }
    if (datapoint.tsUs < 0) {
      if (datapoint.tsUs !== unstamped) {
        unstamped = datapoint.tsUs;
        stampUs = stamp(series, uplink.receivedAtMs, datapoints, i);
      }
      datapoint.tsUs = stampUs;
    }
    datapoint.mayExist = series.note(place, datapoint.tsUs);
  }
  return newMeasurements ?? NOTHING;
}

/**
 * The server's time for the reading that begins at `from`, made unique for the device: never one that was given before, and
 * never the newest of a measurement that it carries, even when the server's clock was set back.
 */
function stamp(series: Series, receivedAtMs: number, datapoints: readonly Datapoint[], from: number): number {
  let us = Math.max(receivedAtMs * 1_000, series.stampedUs + 1);
  const unstamped = datapoints[from]!.tsUs;
  for (let i = from; i < datapoints.length && datapoints[i]!.tsUs === unstamped; i++) {
    const place = series.find(datapoints[i]!.measurement, i);
    if (place >= 0 && series.newestUs(place) >= us) us = series.newestUs(place) + 1;
  }
  series.stampedUs = us;
  return us;
}
