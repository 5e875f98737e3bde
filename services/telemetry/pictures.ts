/** Few points of a series that look like all of them: Largest Triangle Three Buckets (Steinarsson, 2013). */

import { createLTTB } from 'downsample';
import { readNewest } from '../../adapters/database/telemetry/newest.ts';
import { countReadings } from '../../adapters/database/telemetry/reading/buckets.ts';
import type { Range } from '../../adapters/database/telemetry/reading/moments.ts';
import type { After, Restriction } from '../../adapters/database/telemetry/reading/readings.ts';
import type { Downsampled, Reading, TelemetrySource } from '../../contracts/telemetry.contract.ts';
import { boundedRange, bucketsOf, untilNewest } from './buckets.ts';
import type { ReadingParts } from './parts.ts';
import { readPage } from './raw-pages.ts';
import type { DeviceSource, Measured } from './selection.ts';
import type { AskedRange } from './timestamps.ts';
import { readingView } from './views.ts';

type Point = { readonly us: number; readonly value: number };
export type Picture = {
  readonly items: Reading[];
  readonly downsampled: Downsampled;
  readonly source: TelemetrySource;
  readonly archived: boolean;
};
type Stored = Parameters<typeof readingView>[0];
type Candidates<P> = { readonly points: P[]; readonly source: TelemetrySource; readonly archived: boolean };

const PAGE = 10_000;
/** Buckets of which the extremes are taken, for each point: of them the best are chosen. */
const BUCKETS_PER_POINT = 2;
/** Rollups have these. */
const WIDTHS_US = [1, 5, 10, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400].map(
  seconds => seconds * 1e6,
);

const chosen = <P extends Point>(points: readonly P[], most: number): P[] =>
  points.length <= most
    ? [...points]
    : [...(createLTTB<P>({ x: it => it.us, y: it => it.value })(points as P[], most) as P[])];

export async function picture(
  parts: ReadingParts,
  device: DeviceSource,
  measured: Measured,
  asked: AskedRange,
  restriction: Restriction,
  points: number,
): Promise<Picture> {
  const one = { ...device, measured: [measured] };
  const set = { devices: [device.deviceUid], measurements: [measured.id] };
  const range = await boundedRange(parts, asked, set, measured.newestDay);
  if (range === undefined) return said(measured, [], 'none', 0, { source: 'raw', archived: false });
  const until = asked.hasTo ? untilNewest(range, measured.newestDay) : await upToNewest(parts, device, measured, range);
  // What rollups know spares reading as many as there may be, only to find that there are more.
  const isTooMany = (await countReadings(parts.database, set, until)) > parts.limits.telemetryPictureReadingsMax;
  const all = isTooMany ? undefined : await readings(parts, one, until, restriction);
  if (all !== undefined) {
    const kept = chosen(all.points, points);
    const items = kept.map(it => readingView(it, measured));
    return said(measured, items, kept.length < all.points.length ? 'lttb' : 'none', all.points.length, all);
  }
  const extremes = await extremesOf(parts, one, until, restriction, points);
  const items = chosen(extremes.points, points).map(it =>
    readingView({ ...it, quality: null, flags: null, value_json: null }, measured),
  );
  return said(measured, items, 'lttb-of-extremes', extremes.points.length, extremes);
}

/** Not until the end of its day: a picture would be empty there. */
async function upToNewest(
  { database }: ReadingParts,
  { deviceUid }: DeviceSource,
  { id, newestDay }: Measured,
  { fromUs, toUs }: Range,
): Promise<Range> {
  const [newest] = await readNewest(database, [{ device: deviceUid, measurement: id, day: newestDay }]);
  return { fromUs, toUs: newest === undefined ? toUs : Math.max(fromUs, newest.us + 1) };
}

const said = (
  { name }: Measured,
  items: Reading[],
  method: Downsampled['method'],
  from: number,
  { source, archived }: Omit<Candidates<never>, 'points'>,
): Picture => ({ items, downsampled: { measurement: name, method, from, points: items.length }, source, archived });

/** All numbers; undefined when they are too many. */
async function readings(
  parts: ReadingParts,
  source: DeviceSource,
  range: Range,
  restriction: Restriction,
): Promise<Candidates<Stored & Point> | undefined> {
  const points: (Stored & Point)[] = [];
  let archived = false;
  for (let after: After | undefined; ; ) {
    const page = await readPage(parts, source, range, after, PAGE, { ...restriction, numbers: true });
    archived ||= page.archived;
    for (const row of page.rows) points.push(row as Stored & Point);
    if (points.length > parts.limits.telemetryPictureReadingsMax) return undefined;
    const last = page.rows.at(-1);
    if (last === undefined || page.rows.length < PAGE) return { points, source: 'raw', archived };
    after = [last.us, last.measurement_id];
  }
}

/** The lowest and the highest of each bucket: the one at its beginning, the other in its middle, since nobody knows which came first. */
async function extremesOf(
  parts: ReadingParts,
  { tenantId, deviceUid, measured }: DeviceSource,
  range: Range,
  restriction: Restriction,
  points: number,
): Promise<Candidates<Point>> {
  const wanted = (range.toUs - range.fromUs) / (points * BUCKETS_PER_POINT);
  const longest = WIDTHS_US.at(-1)!;
  const widthUs =
    wanted > longest
      ? Math.floor(wanted / longest) * longest
      : (WIDTHS_US.findLast(it => it <= wanted) ?? WIDTHS_US[0]!);
  const found = await bucketsOf(parts, {
    tenantId,
    set: { devices: [deviceUid], measurements: measured.map(it => it.id) },
    of: 'measurement',
    steps: {
      fixed: { widthUs, originUs: 0 },
      floor: us => Math.floor(us / widthUs) * widthUs,
      next: edge => edge + widthUs,
    },
    statistics: ['min', 'max'],
    restriction,
    range,
    limit: Math.ceil((range.toUs - range.fromUs) / widthUs) + 2,
    order: { by: 'time' },
  });
  const extremes = found.rows.flatMap(({ us, min, max }) =>
    min === max
      ? [{ us, value: min }]
      : [
          { us, value: min },
          { us: us + widthUs / 2, value: max },
        ],
  );
  return { points: extremes, source: found.source, archived: found.archived };
}
