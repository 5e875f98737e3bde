/** The live sessions of one adapter: one for each device, one for each client id of a tenant's applications. */
import type { Client } from 'aedes';
import { LRUCache } from 'lru-cache';
import type { DevicePrincipal, MemberPrincipal, Principal, Revocation } from '../../../contracts/access.contract.ts';
import { deviceAddress } from '../../../contracts/addresses.ts';
import type { Limits } from '../../../contracts/limits.ts';
import type { ApplicationClaim } from '../../../contracts/mqtt.contract.ts';
import type { SessionName } from '../protocol.ts';
import { saidGoodbye } from './aedes-internals.ts';
import { ApplicationSession } from './application-session.ts';
import { DeviceSession } from './device-session.ts';
import { Pace } from './pace.ts';
import type { DisconnectReason } from './reasons.ts';
import { ended, endedBy, Revocations } from './revocations.ts';
import type { Session, Surroundings } from './session.ts';
import { endAt } from './session-end.ts';
import { TenantPaces } from './tenant-paces.ts';

/** How many devices that left are remembered: those that used up their burst, and those that were replaced. */
const REMEMBERED = 10_000;
/** A check of a credential that takes longer than this has failed; and nobody remembers a credential for longer after it was revoked. */
const CHECK_MAX_SECONDS = 60;

export class Sessions {
  readonly #around: Surroundings;
  readonly #byKey = new Map<string, Session>();
  /** The pace of devices that left lately, so that connecting anew buys no new burst. */
  readonly #paces = new LRUCache<string, number>({ max: REMEMBERED });
  readonly #tenantPaces: TenantPaces;
  /** What was revoked lately. */
  readonly revocations: Revocations;
  readonly #applications = new Map<string, Set<ApplicationSession>>();
  /** Sessions of devices that were replaced elsewhere before they were open here. An opening takes no longer than this. */
  readonly #replaced: LRUCache<string, number>;
  #lastNumber = 0;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#tenantPaces = new TenantPaces(around.host.messageQuota, around.host.limits);
    const { commitPatienceSeconds, keyCacheSeconds, revocationsRemembered } = around.host.limits;
    this.#replaced = new LRUCache({ max: REMEMBERED, ttl: commitPatienceSeconds * 1_000 });
    this.revocations = new Revocations(revocationsRemembered, (keyCacheSeconds + CHECK_MAX_SECONDS) * 1_000);
  }

  get size(): number {
    return this.#byKey.size;
  }

  /**
   * Opens the session of a device's connection, and closes the one that it replaces [MQTT-3.1.4-3].
   * A reason instead: something that it depends on was revoked while it was being opened, or it is replaced already.
   *
   * @param revocationsBefore `revocations.soFar` before its credential was checked
   */
  openDevice(
    client: Client,
    principal: DevicePrincipal,
    number: number,
    revocationsBefore: number,
  ): Session | DisconnectReason {
    if (this.revocations.lastOf(principal) > revocationsBefore) return 'revoked';
    const address = deviceAddress(principal.tenant, principal.device);
    const key = keyOfDevice(address.key);
    const before = this.#byKey.get(key);
    const isNewerHere = before !== undefined && !before.isClosed && before.number > number;
    if (isNewerHere || (this.#replaced.get(key) ?? 0) >= number) return 'taken_over';
    const dueMs = before instanceof DeviceSession ? before.pace.dueMs : this.#paces.get(key);
    const pace = paceOf(this.#around.host.limits, dueMs);
    const tenantPace = this.#tenantPaces.of(principal.tenantId);
    const connection = { client, key, number, address, pace, tenantPace, principal };
    return this.#put(new DeviceSession(this.#around, connection), principal);
  }

  openApplication(client: Client, principal: MemberPrincipal, revocationsBefore: number): Session | DisconnectReason {
    if (this.revocations.lastOf(principal) > revocationsBefore) return 'revoked';
    const { tenant } = principal;
    const key = keyOfApplication(tenant, client.id);
    const number = this.#nextNumber();
    this.#around.nodes.claim({ tenant, clientId: client.id, number, instance: this.#around.host.place.instanceId });
    const session = new ApplicationSession(this.#around, client, key, number, principal);
    const ofTenant = this.#applications.get(tenant) ?? new Set();
    this.#applications.set(tenant, ofTenant.add(session));
    return this.#put(session, principal);
  }

  #put(session: Session, { expiresAtMs }: Principal): Session {
    this.#byKey.get(session.key)?.close('taken_over');
    this.#byKey.set(session.key, session);
    if (expiresAtMs !== undefined) endAt(session, expiresAtMs, this.#around.host);
    return session;
  }

  /** The connection of this session is gone. */
  ended(session: Session): void {
    session.ended();
    if (session instanceof DeviceSession)
      this.#around.departures.tell(session.address, session.number, reasonOf(session));
    else if (session instanceof ApplicationSession) this.#forgetApplication(session);
    if (this.#byKey.get(session.key) !== session) return;
    this.#byKey.delete(session.key);
    if (session instanceof DeviceSession && session.pace.dueMs > this.#around.host.now())
      this.#paces.set(session.key, session.pace.dueMs);
  }

  #forgetApplication(session: ApplicationSession): void {
    const ofTenant = this.#applications.get(session.tenant);
    if (ofTenant?.delete(session) && ofTenant.size === 0) this.#applications.delete(session.tenant);
  }

  /** Closes all that depends on it, and what is being authenticated just now is not let in by what was found out before. */
  revoked(revocation: Revocation): void {
    const what = ended(revocation);
    if (what === undefined) return;
    this.revocations.note(what);
    const { tenant, kind } = revocation;
    if (what.startsWith('device ')) return this.#byKey.get(what)?.close('revoked');
    for (const session of [...(this.#applications.get(tenant) ?? [])])
      if (endedBy(session.principal).includes(what)) session.close('revoked');
    if (kind !== 'tenant') return;
    for (const session of [...this.#byKey.values()])
      if (session instanceof DeviceSession && session.address.tenant === tenant) session.close('revoked');
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
