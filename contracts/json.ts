/** What may be kept as JSON, whoever looks at it: bounded in depth, and nothing that PostgreSQL would refuse or JSON would change. */

export type JsonObject = { readonly [name: string]: unknown };

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Null is the same as absent. */
export const isGiven = <T>(value: T): value is NonNullable<T> => value !== undefined && value !== null;

/** Whether an object in it, however deep, has this name. Its depth is to be checked before. */
export function hasName(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, name) || Object.values(value).some(inner => hasName(inner, name));
}

const text = new TextEncoder();
const utf8 = new TextDecoder();

/** JSON as the payload of an uplink that Skein makes itself. */
export const jsonPayload = (value: unknown): Uint8Array => text.encode(JSON.stringify(value));
export const readJsonPayload = <T>(payload: Uint8Array): T => JSON.parse(utf8.decode(payload)) as T;

/** jsonb and text take neither U+0000 nor half of a surrogate pair. */
export const isStorableText = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

export type JsonFault = 'too_deep' | 'not_finite' | 'not_storable';

/** What keeps a value from being stored. `maxDepth`: how many objects and arrays may be inside of each other. */
export function jsonFault(value: unknown, maxDepth: number): JsonFault | undefined {
  if (typeof value === 'string') return isStorableText(value) ? undefined : 'not_storable';
  // JSON text like 1e999 is read as Infinity, which JSON would write as null.
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'not_finite';
  if (typeof value !== 'object' || value === null) return undefined;
  if (maxDepth === 0) return 'too_deep';
  for (const [name, inner] of Object.entries(value)) {
    const fault = isStorableText(name) ? jsonFault(inner, maxDepth - 1) : 'not_storable';
    if (fault !== undefined) return fault;
  }
  return undefined;
}
