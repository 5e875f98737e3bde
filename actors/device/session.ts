import type { Receiving } from '../../contracts/downlinks.ts';
import type { DeviceEvent } from '../../contracts/events.ts';
import { readJsonPayload } from '../../contracts/json.ts';
import type { Connection, Disconnection, SessionChange, SessionRecord } from '../../contracts/sessions.ts';
import { DUPLICATE, type Outcome, type SessionPlace, STORED, type Uplink } from '../../contracts/uplinks.ts';

export type SessionAnswer = {
  readonly outcome: Outcome;
  readonly change: SessionChange | null;
  readonly event: DeviceEvent | null;
};
const NO_NEWS: SessionAnswer = { outcome: DUPLICATE, change: null, event: null };

/** Which connection of the device is the newest: connects are numbered here, where all of them come, whatever node they reach. */
export class DeviceSession {
  #newest: SessionRecord | null;
  readonly #isActive: boolean;

  /** @param isActive else nothing goes down to the device, whose connection is being closed */
  constructor(newest: SessionRecord | null, isActive: boolean) {
    this.#newest = newest;
    this.#isActive = isActive;
  }

  /** 0: the device never connected. */
  get number(): number {
    return this.#newest?.session ?? 0;
  }

  /** A connection was made: it is the newest from now on, and the one before it is replaced. */
  opened({ payload, receivedAtMs }: Uplink): SessionAnswer {
    const connection = readJsonPayload<Connection>(payload);
    const before = this.#newest;
    const session = this.number + 1;
    const { instanceId, address } = connection;
    this.#newest = { session, instanceId, address, connected: true, receives: 0 };
    const replaced = before?.connected
      ? { session: before.session, instanceId: before.instanceId, address: before.address }
      : null;
    return {
      outcome: { state: 'opened', session, replaced },
      change: { kind: 'opened', session, atMs: receivedAtMs, ...connection },
      event: statusEvent('online', session, receivedAtMs, null),
    };
  }

  /** A connection ended. One that was replaced since changes nothing. */
  ended({ session, payload, receivedAtMs }: Uplink): SessionAnswer {
    if (this.#newest?.session !== session || !this.#newest.connected) return NO_NEWS;
    this.#newest = { ...this.#newest, connected: false };
    const { reason } = readJsonPayload<Disconnection>(payload);
    return {
      outcome: STORED,
      change: { kind: 'closed', session, atMs: receivedAtMs, reason },
      event: statusEvent('offline', session, receivedAtMs, reason),
    };
  }

  /** From now on the connection takes other kinds of messages than before. */
  receiving({ session, payload }: Uplink): SessionAnswer {
    const newest = this.#newest;
    const { receives } = readJsonPayload<Receiving>(payload);
    if (newest?.session !== session || !newest.connected || newest.receives === receives) return NO_NEWS;
    this.#newest = { ...newest, receives };
    return { outcome: STORED, change: { kind: 'receiving', session, receives }, event: null };
  }

  /** Where the device is connected, if it takes messages of this kind (a bit of `RECEIVES`; 0: of any). */
  takes(kind: number): SessionPlace | null {
    const newest = this.#newest;
    if (!this.#isActive || !newest?.connected || (newest.receives & kind) !== kind) return null;
    const { session, instanceId, address } = newest;
    return { session, instanceId, address };
  }
}

const statusEvent = (
  status: 'online' | 'offline',
  session: number,
  atMs: number,
  reason: string | null,
): DeviceEvent => ({ kind: 'device.status', atMs, data: { status, session, reason } });
