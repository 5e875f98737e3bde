import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import { RECEIVES } from './downlinks.ts';

/**
 * - `online`: connected. - `unknown`: the node that it was connected to is gone, or silent, since a moment ago; it may be
 * connecting elsewhere. - `offline`: anything else.
 */
export const PRESENCE_STATUSES = ['online', 'unknown', 'offline'] as const;
export type PresenceStatus = (typeof PRESENCE_STATUSES)[number];

/** A kind of messages that a connected device takes, and its bit. */
export const RECEIVED = { commands: RECEIVES.command, desired: RECEIVES.desired } as const;

/** A device's newest session; all null, and `receives` empty, for one that never connected. Times are ISO 8601, UTC. */
export type SessionView = {
  deviceId: string;
  status: PresenceStatus;
  session: number | null;
  /** What the operator calls the node that it is, or was, connected to. */
  nodeId: string | null;
  protocol: string | null;
  /** Host and port that it connected from. */
  peer: string | null;
  connectedAt: string | null;
  /** Null while it is connected, and when nobody saw it leave. */
  disconnectedAt: string | null;
  /** Why it was disconnected: a word of docs/mqtt.md. */
  reason: string | null;
  /** What it takes now: what it subscribed to. Empty while it is not connected. */
  receives: (keyof typeof RECEIVED)[];
};

export const sessions = contract('sessions', {
  get: action({ id: 'string' }, { needs: 'devices:read', device: 'any', of: 'id' }).returns<SessionView>(),
  /** The devices of the tenant by their ids, each with its newest session. `nodeId`: the node that this is, or was, on. */
  list: action(
    {
      status: typed<PresenceStatus | undefined>({ type: 'enum', values: PRESENCE_STATUSES, optional: true }),
      nodeId: 'string|optional',
      limit: 'number|optional|integer',
      cursor: 'string|optional',
    },
    { needs: 'devices:read', of: 'devices' },
  ).returns<Page<SessionView>>(),
});
