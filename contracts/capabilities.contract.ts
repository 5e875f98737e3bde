import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { JsonObject } from './json.ts';
import { PAGING } from './resource-fields.ts';
import type { LatestValue } from './telemetry.contract.ts';

export type CapabilityView = {
  capability: string;
  deviceId: string;
  /** Of the twin, and of the newest values: the part that the capability is about. */
  reported: JsonObject;
  desired: JsonObject;
  latest: Record<string, LatestValue>;
};

/** What devices can do, by name: a device has its own capabilities and those of its type. */
export const capabilities = contract('capabilities', {
  /** In use, by name, with how many devices have each. */
  list: action({ ...PAGING }, { needs: 'devices:read', of: 'devices' }).returns<
    Page<{ capability: string; deviceCount: number }>
  >(),
  /** Takes the permission to read the twin and the telemetry as well. `not_found` for a capability that the device does not have. */
  get: action(
    { capability: 'string', deviceId: 'string' },
    { needs: 'devices:read', device: 'any', of: 'deviceId' },
  ).returns<CapabilityView>(),
  /**
   * Merges `properties` (null takes one away) into what is desired of the device. Rejects with `properties_invalid` unless all are the capability's
   * own, can be written, and fit what the type says of them.
   */
  put: action(
    { capability: 'string', deviceId: 'string', properties: typed<JsonObject>({ type: 'object' }) },
    { needs: 'twins:write', of: 'deviceId' },
  ).returns<Pick<CapabilityView, 'capability' | 'deviceId' | 'desired'>>(),
});
