/** Which part of a device a capability is about, and what may be desired of it. */
import { SkeinError } from '../../contracts/errors.ts';
import { isGiven, type JsonObject } from '../../contracts/json.ts';
import type { PropertySchemas } from '../../mixins/property-schemas.ts';
import type { CapabilityRow } from './capability-rows.ts';

/** Names that count. Null: all do. */
type Names = ReadonlySet<string> | null;

/** What the capability names, else what the type describes, else everything. */
const namesOf = (named: readonly string[] | undefined, described: readonly string[] | null): Names =>
  named !== undefined || described !== null ? new Set(named ?? described) : null;

export const propertyNames = ({ detail, properties }: CapabilityRow): Names =>
  namesOf(detail?.properties, properties && Object.keys(properties));
export const measurementNames = ({ detail, measurements }: CapabilityRow): Names =>
  namesOf(detail?.measurements, measurements);

export const narrowed = <T>(values: { readonly [name: string]: T }, names: Names): { [name: string]: T } =>
  Object.fromEntries(Object.entries(values).filter(it => names === null || names.has(it[0])));

/** Rejects with `properties_invalid`, or with `too_large` instead of checking for long. */
export function checkDesired(row: CapabilityRow, tenantId: number, said: JsonObject, schemas: PropertySchemas): void {
  const names = propertyNames(row);
  const properties = row.properties ?? {};
  const own = (name: string) => (Object.hasOwn(properties, name) ? properties[name] : undefined);
  const problems = Object.keys(said).flatMap(name => {
    const path = `/${name.slice(0, 100)}`;
    if (names !== null && !names.has(name)) return [{ path, message: 'is no property of this capability' }];
    return own(name)?.writable === false ? [{ path, message: 'can not be written' }] : [];
  });
  if (problems.length === 0 && row.properties !== null) {
    const version = `${tenantId} ${row.version} ${row.updated_at?.getTime()} ${row.type}`;
    problems.push(...schemaProblems(() => schemas.problemsOf({ name: version, properties }, said)));
  }
  if (problems.length === 0) return;
  const told = problems.slice(0, MOST_TOLD).map(({ path, message }) => `${path} ${message}`);
  throw new SkeinError('properties_invalid', told.join('; '), { problems: problems.slice(0, MOST_TOLD) });
}

const MOST_TOLD = 20;

function schemaProblems<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof SkeinError && error.type === 'too_large')
      throw new SkeinError('too_large', 'The properties are too large for their schemas: checking them takes too long');
    throw error;
  }
}

/** Of `properties`, what is to be sent as a merge patch; rejects with `invalid_request` when it is nothing. */
export function patchOf(properties: JsonObject | null): JsonObject {
  if (isGiven(properties) && Object.keys(properties).length > 0) return properties;
  throw new SkeinError('invalid_request', 'Say at least one property');
}
