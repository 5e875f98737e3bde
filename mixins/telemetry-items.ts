/** One item of `POST /telemetry`, or one line of a file of history: which device it names, and what that device would have published. */
export type Item = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Item =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The device that an item names: an empty text when it names none. */
export function deviceIdOf(item: unknown, own: string | undefined): string {
  if (!isObject(item)) return '';
  const id = item.deviceId ?? item.device_id ?? own;
  return typeof id === 'string' ? id : '';
}

/**
 * What the device would have published: the item without its device. The form with one value of one sensor becomes the
 * measurement that `sensorType` names, or `sensorId` when there is no type.
 */
export function readingOf(item: Item): Item {
  const { deviceId: _deviceId, device_id: _device_id, ...reading } = item;
  const name = item.sensorType ?? item.sensor_type ?? item.sensorId ?? item.sensor_id;
  if (item.value === undefined || item.values !== undefined || typeof name !== 'string') return reading;
  const { ts, timestamp, messageId, value, unit } = item;
  // Defines the property, so a sensor named `__proto__` is a measurement like any other, for the actor to judge.
  const named = (it: unknown) => Object.fromEntries([[name, it]]);
  return {
    ts: ts ?? timestamp,
    messageId,
    values: named(value),
    quality: qualityOf(item.quality),
    ...(unit !== undefined && { units: named(unit) }),
  };
}

/** The severities that status codes of OPC UA have, as a quality. */
const SEVERITIES: Readonly<Record<string, number>> = { good: 1, uncertain: 0.5, bad: 0 };

/** Anything else goes on as it is, for the actor to judge. */
export function qualityOf(said: unknown): unknown {
  const severity = typeof said === 'string' ? said.toLowerCase() : '';
  return Object.hasOwn(SEVERITIES, severity) ? SEVERITIES[severity] : said;
}
