/** Whether the bus is there, as far as this process knows. */
import type { Context, Middleware, ServiceBroker } from 'moleculer';
import { SkeinError } from '../../contracts/errors.ts';

export type NatsLink = {
  /** False before the start, and from the moment when NATS is known to be away: at most 6 s after its last sign of life. */
  isConnected(): boolean;
};

/** Without a transporter there is nobody else to be cut off from: then it is never connected. */
export const watchNats = (broker: ServiceBroker): NatsLink => ({
  isConnected: () => broker.transit?.tx.connected === true,
});

/**
 * Requests to other nodes fail at once while the bus is away, with `unavailable`. They would otherwise wait for their time limit, or
 * for ever without one, and reach their node when nobody waits for them any more.
 */
export const refuseWhileCut = (): Middleware => ({
  name: 'RefuseWhileCut',
  remoteAction(next) {
    const link = watchNats(this);
    const send = next as (ctx: Context) => Promise<unknown>;
    return (ctx: Context) =>
      link.isConnected()
        ? send(ctx)
        : Promise.reject(new SkeinError('unavailable', 'The bus between the nodes is away; nothing was sent'));
  },
});
