import type { Downlink, Output } from '../../contracts/downlinks.ts';
import type { DeviceAddress, SessionPlace } from '../../contracts/uplinks.ts';

type Message = Pick<Downlink, 'kind' | 'payload' | 'attempt'>;

/** What lets a message out to the device, over the connection at this place. */
export const downlink = (
  { tenant, device }: DeviceAddress,
  place: SessionPlace,
  { kind, payload, attempt }: Message,
): Output => ({
  to: 'device',
  place,
  downlink: { tenant, device, session: place.session, kind, payload, attempt },
});
