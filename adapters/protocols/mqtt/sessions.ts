/** The live sessions of one adapter: one for each device, one for each client id of a tenant's applications. */
import type { Client } from 'aedes';
import { LRUCache } from 'lru-cache';
import type { Principal } from '../../../contracts/access.contract.ts';
import { deviceAddress } from '../../../contracts/addresses.ts';
import type { Limits } from '../../../contracts/limits.ts';
import { ApplicationSession } from './application-session.ts';
import { DeviceSession } from './device-session.ts';
import { Pace } from './pace.ts';
import type { DisconnectReason } from './reasons.ts';
import type { Session, Surroundings } from './session.ts';

/** How many devices that left are remembered: those that used up their burst, and those whose keys were revoked. */
const REMEMBERED = 10_000;

export class Sessions {
  readonly #around: Surroundings;
  readonly #byKey = new Map<string, Session>();
  /** The pace of devices that left lately, so that connecting anew buys no new burst. */
  readonly #paces = new LRUCache<string, number>({ max: REMEMBERED });
  readonly #revocations = new LRUCache<string, number>({ max: REMEMBERED });
  #revocationsSoFar = 0;
  #lastNumber = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** To be asked before a key is checked, and handed to `open`. */
  get revocationsSoFar(): number {
    return this.#revocationsSoFar;
  }

  /**
   * Opens the session of a connection whose key was found good, and closes the one that it replaces [MQTT-3.1.4-3].
   * Undefined: the device's keys were revoked while this one was being checked.
   */
  open(client: Client, principal: Principal, revocationsBefore: number): Session | undefined {
    const number = this.#nextNumber();
    const session =
      principal.kind === 'device'
        ? this.#ofDevice(client, principal, number)
        : this.#ofApplication(client, principal, number);
    if ((this.#revocations.get(session.key) ?? 0) > revocationsBefore) return undefined;
    this.#byKey.get(session.key)?.close('taken_over');
    this.#byKey.set(session.key, session);
    return session;
  }

  #ofDevice(client: Client, principal: Extract<Principal, { kind: 'device' }>, number: number): Session {
    const address = deviceAddress(principal.tenant, principal.device);
    const key = keyOfDevice(address.key);
    const before = this.#byKey.get(key);
    const dueMs = before instanceof DeviceSession ? before.pace.dueMs : this.#paces.get(key);
    const pace = paceOf(this.#around.host.limits, dueMs);
    return new DeviceSession(this.#around, client, key, number, address, pace);
  }

  #ofApplication(client: Client, { tenant }: Principal, number: number): Session {
    return new ApplicationSession(this.#around, client, `application ${tenant}/${client.id}`, number, tenant);
  }

  /** The connection of this session is gone. */
  ended(session: Session): void {
    session.ended();
    if (this.#byKey.get(session.key) !== session) return;
    this.#byKey.delete(session.key);
    if (session instanceof DeviceSession && session.pace.dueMs > this.#around.host.now())
      this.#paces.set(session.key, session.pace.dueMs);
  }

  closeDevice(tenant: string, device: string, reason: DisconnectReason): void {
    const key = keyOfDevice(deviceAddress(tenant, device).key);
    this.#revocations.set(key, ++this.#revocationsSoFar);
    this.#byKey.get(key)?.close(reason);
  }

  /** Grows with every connect, over restarts of the process too. */
  #nextNumber(): number {
    this.#lastNumber = Math.max(this.#lastNumber + 1, this.#around.host.now());
    return this.#lastNumber;
  }
}

const keyOfDevice = (key: string): string => `device ${key}`;

const paceOf = (limits: Limits, dueMs: number | undefined): Pace =>
  new Pace(limits.deviceMessagesPerSecond, limits.deviceBurstMessages, limits.deviceMaxDelaySeconds, dueMs);
