import type { Limits } from '../../contracts/limits.ts';
import type { TypeRules } from '../../contracts/validation.ts';

/** Names that would be mistaken for something else by whatever reads a JSON object of values. */
const FORBIDDEN_NAMES = new Set(['__proto__', 'constructor', 'prototype']);
const CONTROL_CHARACTERS = /\p{Cc}/u;

/** Whether a measurement may have this name: printable, of allowed length, and no trap for readers. */
export const isMeasurementName = (name: string, limits: Limits): boolean =>
  name.length > 0 &&
  name.length <= limits.measurementNameMaxLength &&
  name.isWellFormed() &&
  !CONTROL_CHARACTERS.test(name) &&
  !FORBIDDEN_NAMES.has(name);

/**
 * The measurements of one device, each with the newest timestamp that was seen: what tells a datapoint that is certainly new
 * from one that may be stored already. Two plain arrays, because there are a million of these in memory.
 */
export class Series {
  readonly #names: string[];
  readonly #newestUs: number[];
  /** The newest time that the server gave: two messages in one millisecond are two datapoints. */
  stampedUs = 0;
  /** What the type of the device says of them; null: it has no type. */
  readonly rules: TypeRules | null;

  constructor(names: string[], newestUs: number[], rules: TypeRules | null) {
    this.#names = names;
    this.#newestUs = newestUs;
    this.rules = rules;
  }

  get count(): number {
    return this.#names.length;
  }

  /** The place of a measurement, -1 if the device does not have it. `hint`: devices send the same names in the same order. */
  find(name: string, hint: number): number {
    return this.#names[hint] === name ? hint : this.#names.indexOf(name);
  }

  add(name: string): number {
    this.#newestUs.push(0);
    return this.#names.push(name) - 1;
  }

  newestUs(place: number): number {
    return this.#newestUs[place] ?? 0;
  }

  /** Takes note of a datapoint. */
  note(place: number, tsUs: number): void {
    if (tsUs > this.newestUs(place)) this.#newestUs[place] = tsUs;
  }
}
