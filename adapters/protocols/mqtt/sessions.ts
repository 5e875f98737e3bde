/** The live sessions of one adapter: one for each device, one for each client id of a tenant's applications. */
import type { Client } from 'aedes';
import { LRUCache } from 'lru-cache';
import type { Principal } from '../../../contracts/access.contract.ts';
import { deviceAddress } from '../../../contracts/addresses.ts';
import type { Limits } from '../../../contracts/limits.ts';
import type { ApplicationClaim } from '../../../contracts/mqtt.contract.ts';
import type { DeviceAddress } from '../../../contracts/uplinks.ts';
import type { SessionName } from '../protocol.ts';
import { saidGoodbye } from './aedes-internals.ts';
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
  /** Sessions of devices that were replaced elsewhere before they were open here. An opening takes no longer than this. */
  readonly #replaced: LRUCache<string, number>;
  #revocationsSoFar = 0;
  #lastNumber = 0;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#replaced = new LRUCache({ max: REMEMBERED, ttl: around.host.limits.commitPatienceSeconds * 1_000 });
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** To be asked before a key is checked, and handed to `openDevice`. */
  get revocationsSoFar(): number {
    return this.#revocationsSoFar;
  }

  /**
   * Opens the session of a device's connection, and closes the one that it replaces [MQTT-3.1.4-3].
   * A reason instead: its keys were revoked while it was being opened, or it is replaced already.
   */
  openDevice(
    client: Client,
    address: DeviceAddress,
    number: number,
    revocationsBefore: number,
  ): Session | DisconnectReason {
    const key = keyOfDevice(address.key);
    if ((this.#revocations.get(key) ?? 0) > revocationsBefore) return 'revoked';
    const before = this.#byKey.get(key);
    const isNewerHere = before !== undefined && !before.isClosed && before.number > number;
    if (isNewerHere || (this.#replaced.get(key) ?? 0) >= number) return 'taken_over';
    const dueMs = before instanceof DeviceSession ? before.pace.dueMs : this.#paces.get(key);
    const pace = paceOf(this.#around.host.limits, dueMs);
    return this.#put(new DeviceSession(this.#around, client, key, number, address, pace));
  }

  openApplication(client: Client, { tenant }: Principal): Session {
    const key = keyOfApplication(tenant, client.id);
    const number = this.#nextNumber();
    this.#around.nodes.claim({ tenant, clientId: client.id, number, instance: this.#around.host.place.instanceId });
    return this.#put(new ApplicationSession(this.#around, client, key, number, tenant));
  }

  #put(session: Session): Session {
    this.#byKey.get(session.key)?.close('taken_over');
    this.#byKey.set(session.key, session);
    return session;
  }

  /** The connection of this session is gone. */
  ended(session: Session): void {
    session.ended();
    if (session instanceof DeviceSession)
      this.#around.departures.tell(session.address, session.number, reasonOf(session));
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

  /** The live session of this device with exactly this number. */
  deviceSession({ tenant, device, session: number }: SessionName): DeviceSession | undefined {
    const session = this.#byKey.get(keyOfDevice(`${tenant}/${device}`));
    return session instanceof DeviceSession && session.number === number ? session : undefined;
  }

  /** A device's session was replaced by a newer one on another node. It may be known here only later. */
  closeReplaced({ tenant, device, session: number }: SessionName): void {
    const key = keyOfDevice(deviceAddress(tenant, device).key);
    const session = this.#byKey.get(key);
    if (session === undefined) this.#replaced.set(key, Math.max(number, this.#replaced.get(key) ?? 0));
    else if (session.number <= number) session.close('taken_over');
  }

  /** An application connected to another node. Of one client id the newest connection stays. */
  claimed({ tenant, clientId, number, instance }: ApplicationClaim): void {
    const session = this.#byKey.get(keyOfApplication(tenant, clientId));
    const own = session?.number ?? Number.POSITIVE_INFINITY;
    const isOlder = own < number || (own === number && this.#around.host.place.instanceId < instance);
    if (isOlder) session!.close('taken_over');
    // As Lamport's clocks do: what connects here from now on is newer, whatever the clocks of the nodes say.
    this.#lastNumber = Math.max(this.#lastNumber, number);
  }

  /** Of applications: grows with every connect, here and (as far as it is heard of) elsewhere. */
  #nextNumber(): number {
    this.#lastNumber = Math.max(this.#lastNumber + 1, this.#around.host.now());
    return this.#lastNumber;
  }
}

const keyOfDevice = (key: string): string => `device ${key}`;
const keyOfApplication = (tenant: string, clientId: string): string => `application ${tenant}/${clientId}`;

/** Why a session ended: the server's reason, or how the client left. */
const reasonOf = ({ client, closedFor }: Session): string =>
  closedFor ?? (saidGoodbye(client) ? 'client_disconnected' : 'connection_lost');

const paceOf = (limits: Limits, dueMs: number | undefined): Pace =>
  new Pace(limits.deviceMessagesPerSecond, limits.deviceBurstMessages, limits.deviceMaxDelaySeconds, dueMs);
