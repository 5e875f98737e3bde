import {
  type Connection,
  type Disconnection,
  readSessionPayload,
  type SessionChange,
  type SessionRecord,
} from '../../contracts/sessions.ts';
import { DUPLICATE, type Outcome, STORED, type Uplink } from '../../contracts/uplinks.ts';

export type SessionAnswer = { readonly outcome: Outcome; readonly change: SessionChange | null };

/** Which connection of the device is the newest: connects are numbered here, where all of them come, whatever node they reach. */
export class DeviceSession {
  #newest: SessionRecord | null;

  constructor(newest: SessionRecord | null) {
    this.#newest = newest;
  }

  /** 0: the device never connected. */
  get number(): number {
    return this.#newest?.session ?? 0;
  }

  /** A connection was made: it is the newest from now on, and the one before it is replaced. */
  opened({ payload, receivedAtMs }: Uplink): SessionAnswer {
    const connection = readSessionPayload<Connection>(payload);
    const before = this.#newest;
    const session = this.number + 1;
    const { instanceId, address } = connection;
    this.#newest = { session, instanceId, address, connected: true };
    const replaced = before?.connected
      ? { session: before.session, instanceId: before.instanceId, address: before.address }
      : null;
    return {
      outcome: { state: 'opened', session, replaced },
      change: { kind: 'opened', session, atMs: receivedAtMs, ...connection },
    };
  }

  /** A connection ended. One that was replaced since changes nothing. */
  ended({ session, payload, receivedAtMs }: Uplink): SessionAnswer {
    if (this.#newest?.session !== session || !this.#newest.connected) return { outcome: DUPLICATE, change: null };
    this.#newest = { ...this.#newest, connected: false };
    const { reason } = readSessionPayload<Disconnection>(payload);
    return { outcome: STORED, change: { kind: 'closed', session, atMs: receivedAtMs, reason } };
  }
}
