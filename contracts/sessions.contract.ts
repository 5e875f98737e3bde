import { action, contract } from './contract.ts';

/**
 * - `online`: connected. - `unknown`: the node that it was connected to is gone, or silent, since a moment ago; it may be
 * connecting elsewhere. - `offline`: anything else.
 */
export type PresenceStatus = 'online' | 'unknown' | 'offline';

/** A device's newest session; all null for one that never connected. Times are ISO 8601, UTC. */
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
};

export const sessions = contract('sessions', {
  get: action({ id: 'string' }).returns<SessionView>(),
});
