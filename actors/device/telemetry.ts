/** What a telemetry message is made of, and what it makes of the measurements of its device. */
import type { Datapoint, Effects } from '../../contracts/store.ts';
import type { Refusal, Uplink } from '../../contracts/uplinks.ts';
import { checkNames, collect } from './datapoints.ts';
import { decoded } from './decoded.ts';
import { giveQuality } from './reading-about.ts';
import { readings } from './readings.ts';
import type { Series } from './series.ts';
import type { Surroundings } from './surroundings.ts';
import { judge } from './validation.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const HOUR_US = 3_600_000_000;

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
  // Nearly all are without both, and nothing is done for them.
  const rules = series.rules === null ? null : series.rules.current;
  for (let i = 0; i < all.length; i++) {
    const reading = all[i]!;
    const from = datapoints.length;
    const refused = collect(reading, -1 - i, datapoints, limits);
    if (refused) return refused;
    if (reading.about !== null) giveQuality(reading.about, datapoints, from);
    const unfit = rules === null ? undefined : judge(reading, datapoints, from, rules, uplink.receivedAtMs);
    if (unfit) return unfit;
  }
  if (datapoints.length === 0) return { reason: 'no_values', detail: 'The message carries no value' };
  note(series, uplink, datapoints);
  effects.datapoints = datapoints;
  return effects;
}

/** Gives the checked datapoints their times and marks, and takes note of them. */
function note(series: Series, uplink: Uplink, datapoints: Mutable<Datapoint>[]): void {
  let unstamped = 0;
  let stampUs = 0;
  for (let i = 0; i < datapoints.length; i++) {
    const datapoint = datapoints[i]!;
    let place = series.find(datapoint.measurement, i);
    if (place < 0) place = series.add(datapoint.measurement);
    if (datapoint.tsUs < 0) {
      if (datapoint.tsUs !== unstamped) {
        unstamped = datapoint.tsUs;
        stampUs = stamp(series, uplink.receivedAtMs, datapoints, i);
      }
      datapoint.tsUs = stampUs;
    }
    const newestUs = series.newestUs(place);
    datapoint.mayExist = datapoint.tsUs <= newestUs;
    datapoint.opens = Math.floor(datapoint.tsUs / HOUR_US) !== Math.floor(newestUs / HOUR_US);
    series.note(place, datapoint.tsUs);
  }
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
