/** Lines as datapoints, checked as the actor of the device checks what it sends. Of a line with something wrong nothing is stored. */
import { checkNames, collect } from '../../actors/device/datapoints.ts';
import { giveQuality } from '../../actors/device/reading-about.ts';
import type { Reading } from '../../actors/device/readings.ts';
import { judge } from '../../actors/device/validation.ts';
import type { HistoryPoint, HistoryRefusal } from '../../adapters/database/telemetry/history.ts';
import type { Datapoint } from '../../contracts/store.ts';
import type { KnownDevice, KnownDevices } from './known-devices.ts';
import type { LineRefusal, Reckoning, SourceLine } from './lines.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type Checked = {
  readonly points: HistoryPoint[];
  readonly refusals: HistoryRefusal[];
  /** Datapoints with something wrong that their type lets pass. */
  flagged: number;
};

const DETAIL_MAX = 500;

/** The devices of these lines must be known. `into` is added to. */
export function checkLines(
  lines: readonly SourceLine[],
  known: KnownDevices,
  reckoning: Reckoning,
  into: Checked,
): void {
  for (const { line, content } of lines) {
    const { device } = content;
    const refusal =
      'refusal' in content
        ? content.refusal
        : take(known.get(content.device), content.device, content.readings, reckoning, into);
    if (refusal === undefined) continue;
    const { reason, detail } = refusal;
    into.refusals.push({ line, device: storable(device), reason, detail: storable(detail)!.slice(0, DETAIL_MAX) });
  }
}

function take(
  device: KnownDevice | null,
  id: string,
  readings: readonly Reading[],
  { limits, nowMs }: Reckoning,
  into: Checked,
): LineRefusal | undefined {
  if (device === null) return { reason: 'device_unknown', detail: `There is no device "${id.slice(0, 100)}"` };
  if (device.isEnded) return { reason: 'device_inactive', detail: `The device "${id}" is decommissioned` };
  const { series, rules } = device;
  const problem = checkNames(readings, series, limits);
  if (problem) return problem;
  const datapoints: Mutable<Datapoint>[] = [];
  for (const reading of readings) {
    if (reading.tsUs === null) return { reason: 'invalid_timestamp', detail: 'It has no time' };
    const from = datapoints.length;
    const refused = collect(reading, 0, datapoints, limits);
    if (refused) return refused;
    if (reading.about !== null) giveQuality(reading.about, datapoints, from);
    const unfit = rules === null ? undefined : judge(reading, datapoints, from, rules, nowMs);
    if (unfit) return unfit;
  }
  if (datapoints.length === 0) return { reason: 'no_values', detail: 'It has no value' };
  if (datapoints.some(it => it.json !== null && !isStorableJson(it.json)))
    return { reason: 'invalid_value', detail: 'A text has half of a character, which can not be stored' };
  keep(device, datapoints, into);
  return undefined;
}

function keep({ uid, series }: KnownDevice, datapoints: readonly Datapoint[], into: Checked): void {
  for (let i = 0; i < datapoints.length; i++) {
    const { measurement, tsUs, value, quality, flags, json } = datapoints[i]!;
    if (series.find(measurement, i) < 0) series.add(measurement);
    if (flags !== 0) into.flagged++;
    into.points.push({ deviceUid: uid, measurement, tsUs, value, quality, flags, json });
  }
}

/** Half of a surrogate pair, which JSON writes as an escape, is nothing that PostgreSQL takes. */
const HALF = /(?:^|[^\\])(?:\\\\)*\\ud[89a-f]/;
const isStorableJson = (json: string): boolean => !json.includes('\\ud') || !HALF.test(json);

/** What a file says, as a text that can be stored. */
const storable = (text: string | null): string | null =>
  text?.replaceAll('\0', '').toWellFormed().slice(0, DETAIL_MAX) ?? null;
