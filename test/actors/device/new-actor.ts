import { DeviceActor } from '../../../actors/device/device.actor.ts';
import type { CommandPace, Surroundings } from '../../../actors/device/surroundings.ts';
import { decode } from '../../../adapters/codecs/index.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { DeviceRecord } from '../../../contracts/store.ts';

import { NOW_MS } from '../runtime/uplinks.ts';

/** Everybody may send at once. */
const AT_ONCE: CommandPace = { take: () => true, giveBack: () => {} };

export const around: Surroundings = {
  decode,
  limits: LIMITS,
  nowMs: () => NOW_MS,
  uuid: () => 'an-id',
  fraction: () => 0,
  pace: AT_ONCE,
};

/** What is stored of a device that was registered, and nothing more. */
export const newRecord = (more: Partial<DeviceRecord> = {}): DeviceRecord => ({
  tenantId: 1,
  deviceUid: 7,
  state: 'active',
  measurements: [],
  newestUs: [],
  session: null,
  twin: null,
  commands: [],
  commandWindow: null,
  rules: null,
  ...more,
});

export const newActor = (more: Partial<DeviceRecord> = {}): DeviceActor => new DeviceActor(newRecord(more), around);
