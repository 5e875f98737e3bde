import type { Limits } from '../../contracts/limits.ts';
import type { Refusal } from '../../contracts/uplinks.ts';
import { aboutOf, type ReadingAbout } from './reading-about.ts';
import { timestampUs } from './timestamp.ts';

/** One reading: some values of one moment. `tsUs` null: the server's time. */
export type Reading = {
  readonly tsUs: number | null;
  readonly messageId: string | null;
  readonly values: Readonly<Record<string, unknown>>;
  /** Null: it says nothing of them. */
  readonly about: ReadingAbout | null;
};

const SHAPE: Refusal = { reason: 'invalid_shape', detail: 'Expected an object of values, or a list of such objects' };
/** What a flat reading says about itself; everything else in it is a value. */
const RESERVED = new Set(['timestamp', 'messageId']);

/**
 * Reads a decoded telemetry payload: `{"temperature": 23.5, "timestamp"?, "messageId"?}`,
 * `{"ts", "values": {...}, "messageId"?, "quality"?, "units"?}`, or a list of either.
 */
export function readings(decoded: unknown, nowMs: number, limits: Limits): Reading[] | Refusal {
  if (!Array.isArray(decoded)) {
    const one = reading(decoded, nowMs, limits);
    return 'reason' in one ? one : [one];
  }
  if (decoded.length > limits.messageMaxValues) return tooMany(limits);
  const all: Reading[] = [];
  for (const element of decoded) {
    const one = reading(element, nowMs, limits);
    if ('reason' in one) return one;
    all.push(one);
  }
  return all;
}

export const tooMany = (limits: Limits): Refusal => ({
  reason: 'too_many_values',
  detail: `One message carries at most ${limits.messageMaxValues} values`,
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function reading(element: unknown, nowMs: number, limits: Limits): Reading | Refusal {
  if (!isObject(element)) return SHAPE;
  const nested = isObject(element.values);
  const time = nested ? (element.ts ?? element.timestamp) : element.timestamp;
  const tsUs = time === undefined || time === null ? null : timestampUs(time, nowMs, limits);
  if (typeof tsUs === 'object' && tsUs !== null) return tsUs;
  const messageId = element.messageId ?? null;
  if (messageId !== null && !isMessageId(messageId, limits))
    return {
      reason: 'invalid_message_id',
      detail: `messageId is a text of 1 to ${limits.messageIdMaxLength} characters`,
    };
  if (!nested) return { tsUs, messageId, values: flatValues(element), about: null };
  const about = element.quality === undefined && element.units === undefined ? null : aboutOf(element);
  if (about !== null && 'reason' in about) return about;
  return { tsUs, messageId, values: element.values as Record<string, unknown>, about };
}

const isMessageId = (id: unknown, limits: Limits): id is string =>
  typeof id === 'string' &&
  id.length > 0 &&
  id.length <= limits.messageIdMaxLength &&
  id.isWellFormed() &&
  !id.includes('\0');

/** The values of a flat reading. `Object.fromEntries` defines properties, so a key `__proto__` stays a key. */
function flatValues(element: Record<string, unknown>): Record<string, unknown> {
  if (element.timestamp === undefined && element.messageId === undefined) return element;
  return Object.fromEntries(Object.entries(element).filter(([name]) => !RESERVED.has(name)));
}
