/** What a caller says of measurements, properties and capabilities of a type: checked whole before any of it is stored. */
import { isMeasurementName } from '../../actors/device/series.ts';
import {
  type CapabilityDetail,
  type CapabilityDetails,
  MEASUREMENT_TYPES,
  type MeasurementDescription,
  type MeasurementDescriptions,
  type PropertyDescription,
  type PropertyDescriptions,
} from '../../contracts/device-types.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { isGiven, isJsonObject, isStorableText, type JsonObject } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';
import { checkJson } from '../../mixins/bounded-json.ts';
import { COMMAND_NAME_RULE, isCommandName } from '../../mixins/command-orders.ts';
import { compileProperties } from '../../mixins/property-schemas.ts';
import { isTreatment, TREATMENT_RULE } from './validation-fields.ts';

/** What the body of a request may have. */
const MAX_DEPTH = 32;
const TEXT_MAX_LENGTH = 2_000;
const UNIT_MAX_LENGTH = 50;
const PROPERTY_NAME_MAX_LENGTH = 128;

/** Rejects with `invalid_request`, naming the measurement, or with `too_large`. */
export const measurementsOf = (said: unknown, limits: Limits): MeasurementDescriptions | null =>
  described('measurements', said, limits.deviceMaxMeasurements, limits, (shown, name, it): MeasurementDescription => {
    if (!isMeasurementName(name, limits)) throw invalid(shown, 'no measurement can have this name');
    refuseOthers(shown, it, ['type', 'unit', 'min', 'max', 'outOfRange', 'description']);
    const { type, unit, min, max, outOfRange } = it;
    if (!MEASUREMENT_TYPES.some(known => known === type))
      throw invalid(shown, `type must be one of ${MEASUREMENT_TYPES.join(', ')}`);
    checkTexts(shown, it);
    if (typeof unit === 'string' && (unit === '' || unit.length > UNIT_MAX_LENGTH))
      throw invalid(shown, `unit must have 1 to ${UNIT_MAX_LENGTH} characters`);
    for (const [bound, value] of Object.entries({ min, max }))
      if (value !== undefined && (typeof value !== 'number' || type !== 'number'))
        throw invalid(shown, `${bound} must be a number, of a measurement of type number`);
    if ((min as number) > (max as number)) throw invalid(shown, 'min must not be more than max');
    if (outOfRange !== undefined && (type !== 'number' || !isTreatment(outOfRange)))
      throw invalid(shown, `outOfRange ${TREATMENT_RULE}, of a measurement of type number`);
    return it as MeasurementDescription;
  });

/** Rejects with `invalid_request`, naming the property, or with `too_large`. */
export function propertiesOf(said: unknown, limits: Limits): PropertyDescriptions | null {
  const most = limits.deviceTypeMaxProperties;
  const properties = described('properties', said, most, limits, (shown, name, it): PropertyDescription => {
    if (name === '' || name.length > PROPERTY_NAME_MAX_LENGTH || name === '__proto__')
      throw invalid(shown, `a name has 1 to ${PROPERTY_NAME_MAX_LENGTH} characters`);
    refuseOthers(shown, it, ['schema', 'writable', 'description']);
    checkTexts(shown, it);
    const { schema, writable } = it;
    if (writable !== undefined && typeof writable !== 'boolean') throw invalid(shown, 'writable must be true or false');
    if (schema !== undefined && typeof schema !== 'boolean' && !isJsonObject(schema))
      throw invalid(shown, 'schema must be a JSON Schema');
    return it as PropertyDescription;
  });
  if (properties !== null) usable(properties);
  return properties;
}

/** Known by name: no type says a capability twice. */
export function capabilitiesOf(said: readonly string[] | null | undefined, limits: Limits): string[] {
  const names = [...new Set(said ?? [])];
  if (names.length > limits.deviceTypeMaxCapabilities)
    throw new SkeinError('too_large', `capabilities has more than ${limits.deviceTypeMaxCapabilities} names`);
  const wrong = names.find(it => !isCommandName(it));
  if (wrong !== undefined) throw invalid('capabilities', `a name has ${COMMAND_NAME_RULE}`);
  return names;
}

type Described = Readonly<Record<keyof CapabilityDetail, JsonObject | null>>;

/** Of capabilities that the type has, about what it describes. Rejects with `invalid_request`. */
export const capabilityDetailsOf = (
  said: unknown,
  names: readonly string[],
  type: Described,
  limits: Limits,
): CapabilityDetails | null =>
  described(
    'capabilityDetails',
    said,
    limits.deviceTypeMaxCapabilities,
    limits,
    (shown, name, it): CapabilityDetail => {
      if (!names.includes(name)) throw invalid(shown, 'it is not among the capabilities');
      refuseOthers(shown, it, Object.keys(type));
      for (const [part, known] of Object.entries(type)) {
        const list = it[part] ?? [];
        if (!Array.isArray(list) || !list.every(one => typeof one === 'string'))
          throw invalid(shown, `${part} must be a list of names`);
        const unknown = list.find(one => !Object.hasOwn(known ?? {}, one));
        if (unknown !== undefined)
          throw invalid(shown, `the type describes no ${unknown.slice(0, 100)} in its ${part}`);
      }
      return it as CapabilityDetail;
    },
  );

/** Each by its name. Null: nothing is said. */
function described<T>(
  part: string,
  said: unknown,
  most: number,
  limits: Limits,
  read: (shown: string, name: string, said: JsonObject) => T,
): { [name: string]: T } | null {
  if (!isGiven(said)) return null;
  if (!isJsonObject(said)) throw invalid(part, 'must be an object');
  checkJson(part, said, limits.deviceTypeMaxBytes, MAX_DEPTH);
  const entries = Object.entries(said);
  if (entries.length > most)
    throw new SkeinError('too_large', `${part} has ${entries.length} names, more than ${most}`);
  return Object.fromEntries(
    entries.map(([name, it]) => {
      const shown = `${part}.${name.slice(0, 100)}`;
      if (!isJsonObject(it)) throw invalid(shown, 'must be an object');
      return [name, read(shown, name, it)];
    }),
  );
}

function refuseOthers(shown: string, said: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(said).find(it => !known.includes(it));
  if (unknown !== undefined) throw invalid(shown, `${unknown.slice(0, 100)} is not known here`);
}

function checkTexts(shown: string, { description, unit }: JsonObject): void {
  for (const [name, it] of Object.entries({ description, unit }))
    if (it !== undefined && (typeof it !== 'string' || it.length > TEXT_MAX_LENGTH || !isStorableText(it)))
      throw invalid(shown, `${name} must be a text`);
}

/** The schemas of all properties, once together: it is known then that they can be used. */
function usable(properties: PropertyDescriptions): void {
  try {
    compileProperties(properties);
  } catch (error) {
    if (error instanceof SkeinError) throw new SkeinError(error.type, `properties: ${error.message}`);
    throw error;
  }
}

const invalid = (shown: string, detail: string): SkeinError => new SkeinError('invalid_request', `${shown}: ${detail}`);
