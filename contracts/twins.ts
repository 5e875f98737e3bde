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

/** Is told of twins that are stored. */
export type TwinFollower = (address: DeviceAddress, twin: TwinRecord) => void;

/** Travels as the payload (JSON) of an uplink of kind `desired`. `version`: only if that is still the one of `desired`. */
export type DesiredChange = { readonly patch: JsonObject; readonly version?: number };

/** The answer to it. `version` is that of `desired`, now. */
export type DesiredAnswer =
  | { readonly version: number }
  | { readonly error: DesiredRefusal; readonly detail: string; readonly version: number };
export type DesiredRefusal = 'invalid_patch' | 'too_large' | 'stale_version' | 'lifecycle_conflict';

const text = new TextEncoder();
const utf8 = new TextDecoder();

export const desiredPayload = (change: DesiredChange): Uint8Array => text.encode(JSON.stringify(change));
export const readDesiredPayload = (payload: Uint8Array): DesiredChange => JSON.parse(utf8.decode(payload));
