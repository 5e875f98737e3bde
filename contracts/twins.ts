/** A device's twin: what it reports of itself, and what is desired of it. */
import type { JsonObject } from './json.ts';
import type { DeviceAddress } from './uplinks.ts';

/** Beside each leaf of a document, in the same shape: when it got its value, milliseconds since 1970. An array is a leaf. */
export type LeafTimes = { readonly [name: string]: number | LeafTimes };

export type TwinDocument = {
  /** How often it was changed. 0: never set. */
  readonly version: number;
  readonly document: JsonObject;
  readonly times: LeafTimes;
};

/** What is stored. */
export type TwinRecord = { readonly reported: TwinDocument; readonly desired: TwinDocument };

/** One step in the life of a twin: the merge patch by which one of its documents came to this version. */
export type TwinStep = {
  readonly document: 'reported' | 'desired';
  readonly version: number;
  readonly atMs: number;
  readonly patch: JsonObject;
};
/** A twin as it is from now on, and what brought it there. */
export type TwinChange = { readonly record: TwinRecord; readonly step: TwinStep };

/** Is told of twins that are stored. */
export type TwinFollower = (address: DeviceAddress, twin: TwinRecord) => void;

/** `version`: only if that is still the one of `desired`. */
export type DesiredChange = { readonly patch: JsonObject; readonly version?: number };

/** The answer to it. `version` is that of `desired`, now. */
export type DesiredAnswer =
  | { readonly version: number }
  | { readonly error: DesiredRefusal; readonly detail: string; readonly version: number };
export type DesiredRefusal = 'invalid_patch' | 'too_large' | 'stale_version' | 'lifecycle_conflict';

const NEVER_SET: TwinDocument = Object.freeze({ version: 0, document: Object.freeze({}), times: Object.freeze({}) });
/** Of a device that has neither reported nor been asked anything. */
export const NO_TWIN: TwinRecord = Object.freeze({ reported: NEVER_SET, desired: NEVER_SET });
