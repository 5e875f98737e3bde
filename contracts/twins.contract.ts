import { action, contract, typed } from './contract.ts';
import type { JsonObject } from './json.ts';
import type { LeafTimes } from './twins.ts';

export type TwinView = {
  deviceId: string;
  reported: JsonObject;
  reportedVersion: number;
  desired: JsonObject;
  desiredVersion: number;
  /** What of `desired` the device does not report (yet): a merge patch that would make it so. */
  delta: JsonObject;
  timestamps: { reported: LeafTimes; desired: LeafTimes };
};

export const twins = contract('twins', {
  /** Of a device that has neither reported nor been asked anything: two empty documents of version 0. */
  get: action({ id: 'string' }).returns<TwinView>(),
  /**
   * Merges `patch` (RFC 7396) into `desired`. `version`: refuse with `stale_version` unless it is that of `desired`. A patch that
   * changes nothing is no error and makes no new version, so the same may be sent again.
   */
  patchDesired: action({
    id: 'string',
    patch: typed<JsonObject>({ type: 'object' }),
    version: 'number|optional',
  }).returns<TwinView>(),
});
