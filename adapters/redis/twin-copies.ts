/** Under which keys a twin is found in Redis, and what is there: docs/twins.md promises it. */
import type { JsonObject } from '../../contracts/json.ts';
import type { TwinRecord } from '../../contracts/twins.ts';
import type { DeviceAddress } from '../../contracts/uplinks.ts';

export type Copy = { readonly key: string; readonly version: number; readonly value: string };
/** What of the desired document is not reported. */
export type Delta = (desired: JsonObject, reported: JsonObject) => JsonObject;

const COMMON_TENANT = 'default';

/** The tenant `default` needs no word; no device id has a `/` in it, so no key is that of two devices. */
const nameOf = ({ tenant, device, key }: DeviceAddress): string => (tenant === COMMON_TENANT ? device : key);

const keyOf = (address: DeviceAddress, part: string): string => `device:${nameOf(address)}:${part}`;

/** Where the copies of a device's twin are. */
export const copyKeys = (address: DeviceAddress): string[] =>
  ['reported', 'desired', 'delta'].map(part => keyOf(address, part));

/** The version of the delta grows with each change of either document: it is the sum of both. */
export function twinCopies(address: DeviceAddress, { reported, desired }: TwinRecord, delta: Delta): Copy[] {
  const copy = (part: string, version: number, document: JsonObject): Copy => ({
    key: keyOf(address, part),
    version,
    // The version comes first: that is where the script that compares versions looks for it.
    value: JSON.stringify({ version, document }),
  });
  return [
    copy('reported', reported.version, reported.document),
    copy('desired', desired.version, desired.document),
    copy('delta', reported.version + desired.version, delta(desired.document, reported.document)),
  ];
}
