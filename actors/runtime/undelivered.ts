import { deviceAddress } from '../../contracts/addresses.ts';
import type { Delivery, Downlink, UndeliveredAttempt } from '../../contracts/downlinks.ts';
import { jsonPayload } from '../../contracts/json.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import type { Host } from './host.ts';
import type { Clock } from './ports.ts';

export type UndeliveredParts = {
  readonly ingress: Ingress;
  readonly host: Pick<Host, 'desiredNotTold'>;
  readonly clock: Clock;
};

/**
 * What becomes of downlinks that were certainly not sent, or (`unknown`) perhaps not. That an attempt of a command did not leave goes the way
 * of all messages to its actor, which may be elsewhere by now, or be loading: by no session, because any may tell it.
 */
export const undelivered =
  ({ ingress, host, clock }: UndeliveredParts) =>
  (downlink: Downlink, why: Exclude<Delivery, 'sent'> | 'unknown'): void => {
    const { tenant, device, kind, attempt } = downlink;
    // `gone` is also said of a node that the bus does not reach: the connection may be there, and nothing else would tell it.
    if (kind === 'desired' && why !== 'not_receiving') return host.desiredNotTold(downlink);
    if (attempt === null || why === 'unknown') return;
    const payload = jsonPayload({ ...attempt, why } satisfies UndeliveredAttempt);
    const way = { session: 0, receivedAtMs: clock.nowMs(), kind: 'undelivered', topic: '', contentType: '' } as const;
    ingress.receive({ address: deviceAddress(tenant, device), ...way, payload }, () => {});
  };
