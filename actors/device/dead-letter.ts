import { type Effects, noEffects } from '../../contracts/store.ts';
import type { Refusal, Uplink } from '../../contracts/uplinks.ts';

/** The effects that keep an uplink as a dead letter, and tell its sender so. */
export const deadLetterOf = (
  uplink: Uplink,
  refusal: Refusal,
  tenantId: number,
  deviceUid: number,
  id: string,
): Effects => ({
  ...noEffects(tenantId, deviceUid, { state: 'rejected', reason: refusal.reason, detail: refusal.detail }),
  deadLetter: {
    id,
    deviceId: uplink.address.device,
    kind: uplink.kind,
    topic: storable(uplink.topic),
    contentType: storable(uplink.contentType),
    reason: refusal.reason,
    detail: storable(refusal.detail),
    payload: uplink.payload,
    receivedAtMs: uplink.receivedAtMs,
    unless: null,
  },
});

/** Text that any database takes: a dead letter that can't be stored would come back for ever. */
const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD').slice(0, 1_000);
