/** What a nested reading says of its values besides them: how good they are, and in which units. */
import type { Datapoint } from '../../contracts/store.ts';
import type { Refusal } from '../../contracts/uplinks.ts';

export type ReadingAbout = {
  /** One for all values, or one for each by name. */
  readonly quality: number | Readonly<Record<string, number | null>> | null;
  readonly units: Readonly<Record<string, string | null>> | null;
};

type Said = Readonly<Record<string, unknown>>;

/** Null: it says nothing. */
export function aboutOf({ quality, units }: Said): ReadingAbout | Refusal | null {
  const isOfOne = quality === undefined || quality === null || isQuality(quality);
  if (!isOfOne && !(isObject(quality) && Object.values(quality).every(it => it === null || isQuality(it))))
    return invalid('quality is a number from 0 to 1, or an object of such numbers by measurement');
  if (isGiven(units) && !(isObject(units) && Object.values(units).every(it => it === null || typeof it === 'string')))
    return invalid('units is an object of texts by measurement');
  if (!isGiven(quality) && !isGiven(units)) return null;
  return { quality: quality ?? null, units: units ?? null } as ReadingAbout;
}

export const unitOf = ({ units }: ReadingAbout, measurement: string): string | null => said(units, measurement);

/** Gives the datapoints from this place on the quality that their reading says. */
export function giveQuality(
  { quality }: ReadingAbout,
  to: readonly (Datapoint & { quality: number | null })[],
  from: number,
): void {
  if (quality === null) return;
  for (let i = from; i < to.length; i++)
    to[i]!.quality = typeof quality === 'number' ? quality : said(quality, to[i]!.measurement);
}

/** Measurements may have names like `toString`, which every object knows. */
const said = <T>(all: Readonly<Record<string, T>> | null, name: string): T | null =>
  all !== null && Object.hasOwn(all, name) ? all[name]! : null;

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
const isObject = (value: unknown): value is Said =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isQuality = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1;

const invalid = (detail: string): Refusal => ({ reason: 'invalid_value', detail });
