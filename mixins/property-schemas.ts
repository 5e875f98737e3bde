/** The schemas of the properties of a device type: together they are one, of an object that has some of them. */
import { LRUCache } from 'lru-cache';
import type { PropertyDescriptions } from '../contracts/device-types.contract.ts';
import { isGiven, type JsonObject } from '../contracts/json.ts';
import { compileCommandSchema, type ParametersValidator } from './command-schemas.ts';

/** Throws `invalid_request` with what is wrong, or `too_large`. */
export function compileProperties(properties: PropertyDescriptions): ParametersValidator {
  const said = Object.entries(properties).filter(([, { schema }]) => schema !== undefined);
  return compileCommandSchema({ properties: Object.fromEntries(said.map(([name, { schema }]) => [name, schema])) });
}

/** A description that is stored, and what tells it from every other one. */
export type PropertiesVersion = { readonly name: string; readonly properties: PropertyDescriptions };

/** Compiled once for each version of a type. */
export class PropertySchemas {
  readonly #known: LRUCache<string, ParametersValidator>;

  constructor(entriesMax: number) {
    this.#known = new LRUCache({ max: entriesMax });
  }

  /** What of `values` does not fit. Null takes a property away, so it fits always. Throws `too_large` instead of taking long. */
  problemsOf(
    { name, properties }: PropertiesVersion,
    values: JsonObject,
  ): ReturnType<ParametersValidator['problemsOf']> {
    const validator = this.#known.get(name) ?? compileProperties(properties);
    this.#known.set(name, validator);
    return validator.problemsOf(Object.fromEntries(Object.entries(values).filter(it => isGiven(it[1]))));
  }
}
