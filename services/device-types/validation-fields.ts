/** What a caller says of values that do not fit a type: checked whole before any of it is stored. */
import { SkeinError } from '../../contracts/errors.ts';
import { isGiven, isJsonObject } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';
import { FINDINGS, type Finding, TREATMENTS, type Validation } from '../../contracts/validation.ts';

/** A hundred years: what is older is not too old, but wrong. */
const TOO_OLD_MAX_SECONDS = 100 * 366 * 86_400;
/** Findings that need a number of seconds to be found. */
const SECONDS = { tooOld: 'tooOldSeconds', tooFarAhead: 'tooFarAheadSeconds' } as const;

export const isTreatment = (said: unknown): boolean => TREATMENTS.some(known => known === said);
export const TREATMENT_RULE = `must be one of ${TREATMENTS.join(', ')}`;

/** Null: nothing is said. Rejects with `invalid_request`, naming the field. */
export function validationOf(said: unknown, limits: Limits): Validation | null {
  if (!isGiven(said)) return null;
  if (!isJsonObject(said)) throw new SkeinError('invalid_request', 'validation must be an object');
  const most = { tooOldSeconds: TOO_OLD_MAX_SECONDS, tooFarAheadSeconds: limits.timestampMaxAheadSeconds };
  for (const [name, it] of Object.entries(said)) {
    if (FINDINGS.includes(name as Finding)) {
      if (!isTreatment(it)) throw invalid(name, TREATMENT_RULE);
    } else if (!Object.hasOwn(most, name)) throw invalid(name.slice(0, 100), 'is not known here');
    else if (!isSeconds(it, most[name as keyof typeof most]))
      throw invalid(name, `must be a whole number from 0 to ${most[name as keyof typeof most]}`);
  }
  for (const [finding, seconds] of Object.entries(SECONDS))
    if ((said[finding] ?? 'keep') !== 'keep' && said[seconds] === undefined) throw invalid(finding, `needs ${seconds}`);
  return said as Validation;
}

const isSeconds = (said: unknown, most: number): boolean =>
  typeof said === 'number' && Number.isInteger(said) && said >= 0 && said <= most;

const invalid = (name: string, detail: string): SkeinError =>
  new SkeinError('invalid_request', `validation.${name} ${detail}`);
