import type { DeviceAddress } from './uplinks.ts';

export const SHARDS = 256;

/** FNV-1a, 32 bit: http://www.isthe.com/chongo/tech/comp/fnv/. Stable for ever: it says which shard a device is in. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The address of a device. Neither id contains `/`, so `key` names one device only. */
export function deviceAddress(tenant: string, device: string): DeviceAddress {
  const key = `${tenant}/${device}`;
  return { tenant, device, key, shard: fnv1a(key) % SHARDS };
}

/** `/devices/imports` is the path of something else. */
const RESERVED = 'imports';

/** Ids are part of topics and paths: no `/ + # %`, no space, no control characters, and not `.` or `..`. */
export const isDeviceId = (id: string, maxLength: number): boolean =>
  id.length <= maxLength && /^[A-Za-z0-9][A-Za-z0-9._:@-]*$/.test(id) && id !== RESERVED;

/** Whatever is no UUID is the id of nothing that has one, and PostgreSQL would refuse it. Upper case is as good as lower case. */
export const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
