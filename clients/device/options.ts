/** What can be set, each with its unit in its name. README.md has the table. */
import type { CommandEntry } from './commands/command-handler.ts';
import type { CommandMemory } from './commands/command-ring.ts';
import type { ConnectionOptions } from './link/connection.ts';
import type { SyncPolicy } from './storage/append-file.ts';
import { RECORD_MAX_BYTES } from './storage/records.ts';

export type DesiredDelta = Readonly<Record<string, unknown>>;
/** Brings the device to what is desired, and returns what it reports of it, if anything. */
export type ApplyDesired = (delta: DesiredDelta) => DesiredDelta | undefined | Promise<DesiredDelta | undefined>;
export type DeviceOptions = {
  /** `mqtt:`, `mqtts:`, `ws:` or `wss:`; the last two with the path `/mqtt`. */
  readonly url: string;
  readonly deviceId: string;
  /** Without it the server takes `default`. */
  readonly tenant?: string;
  /** The device's own key. */
  readonly key: string;
  /** Of this device alone, and of one process at a time. */
  readonly folder: string;
  readonly commands?: Readonly<Record<string, CommandEntry>>;
  /** Without it everything desired is reported as it came. */
  readonly applyDesired?: ApplyDesired;
  readonly spoolSync?: SyncPolicy;
  readonly acknowledgesAcceptance?: boolean;
  readonly tls?: ConnectionOptions['tls'];
  readonly limits?: Partial<DeviceLimits>;
  /** For tests: milliseconds since 1970, from 0 up to 1, a new id of a message, and what remembers commands. */
  readonly nowMs?: () => number;
  readonly random?: () => number;
  readonly newMessageId?: () => string;
  readonly commandMemory?: CommandMemory;
};

type Range = { readonly default: number; readonly min: number; readonly max: number };
const MiB = 1024 * 1024;

export const DEVICE_LIMITS = {
  spoolMaxBytes: { default: 16 * MiB, min: 64 * 1024, max: 4096 * MiB },
  spoolSegmentMaxBytes: { default: MiB, min: 4 * 1024, max: 64 * MiB },
  /** With `spoolSync: 'interval'`. */
  spoolSyncIntervalMs: { default: 1_000, min: 10, max: 60_000 },
  /** The server takes 128 KiB unless it is told otherwise. */
  messageMaxBytes: { default: 128 * 1024, min: 256, max: RECORD_MAX_BYTES / 2 },
  inFlightMaxMessages: { default: 20, min: 1, max: 1_000 },
  commandsRemembered: { default: 1_000, min: 1, max: 100_000 },
  commandsRememberedMax: { default: 10_000, min: 1, max: 1_000_000 },
  commandRingMaxBytes: { default: 4 * MiB, min: 4 * 1024, max: 256 * MiB },
  commandQueueMax: { default: 100, min: 1, max: 1_000 },
  /** With what else an answer holds it has to fit into the server's 32 KiB. */
  commandResultMaxBytes: { default: 31 * 1024, min: 64, max: MiB },
  answerRetryMs: { default: 10_000, min: 10, max: 3_600_000 },
  desiredQueueMax: { default: 100, min: 1, max: 10_000 },
  reconnectMinMs: { default: 1_000, min: 1, max: 60_000 },
  reconnectMaxMs: { default: 60_000, min: 1, max: 3_600_000 },
  /** A connection that lived so long counts as good: the next wait is short again. */
  connectionGoodAfterMs: { default: 10_000, min: 0, max: 3_600_000 },
  connectTimeoutMs: { default: 15_000, min: 100, max: 300_000 },
  acknowledgementTimeoutMs: { default: 60_000, min: 100, max: 3_600_000 },
  keepaliveSeconds: { default: 60, min: 1, max: 65_535 },
  twinTimeoutMs: { default: 10_000, min: 10, max: 300_000 },
  stopTimeoutMs: { default: 5_000, min: 0, max: 300_000 },
} as const satisfies Record<string, Range>;
export type DeviceLimits = { readonly [name in keyof typeof DEVICE_LIMITS]: number };

/** Each file of the spool is an open one. */
const SPOOL_MAX_SEGMENTS = 256;
const PROTOCOLS = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:']);
const DEVICE_ID = /^[^/+#\0]{1,128}$/;

/** Throws RangeError: a wrong option is found at the start, not in the field. */
export function limitsOf({
  url,
  deviceId,
  limits = {},
}: Pick<DeviceOptions, 'url' | 'deviceId' | 'limits'>): DeviceLimits {
  if (!PROTOCOLS.has(URL.parse(url)?.protocol ?? ''))
    throw new RangeError(`"${url}" is not an address of an MQTT server`);
  if (!DEVICE_ID.test(deviceId)) throw new RangeError(`"${deviceId}" can not be a part of a topic`);
  const given = Object.entries(DEVICE_LIMITS).map(([name, range]) => [
    name,
    limits[name as keyof DeviceLimits] ?? range.default,
  ]);
  const all = Object.fromEntries(given) as DeviceLimits;
  for (const name of Object.keys(limits))
    if (!(name in DEVICE_LIMITS)) throw new RangeError(`There is no limit "${name}"`);
  for (const [name, { min, max }] of Object.entries(DEVICE_LIMITS)) {
    const value = all[name as keyof DeviceLimits];
    if (!Number.isInteger(value) || value < min || value > max)
      throw new RangeError(`${name} is ${value}, not a whole number from ${min} to ${max}`);
  }
  notAbove(all, 'commandsRemembered', 'commandsRememberedMax');
  notAbove(all, 'reconnectMinMs', 'reconnectMaxMs');
  notAbove(all, 'messageMaxBytes', 'spoolMaxBytes');
  if (all.spoolMaxBytes > SPOOL_MAX_SEGMENTS * all.spoolSegmentMaxBytes)
    throw new RangeError(`spoolMaxBytes is above ${SPOOL_MAX_SEGMENTS} times spoolSegmentMaxBytes`);
  return all;
}

function notAbove(limits: DeviceLimits, small: keyof DeviceLimits, large: keyof DeviceLimits): void {
  if (limits[small] > limits[large]) throw new RangeError(`${small} is above ${large}`);
}
