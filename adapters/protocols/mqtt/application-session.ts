/** An application: sees what the devices of its tenant send, as it is stored. It publishes nothing over MQTT. */
import type { Client } from 'aedes';
import type { MemberPrincipal } from '../../../contracts/access.contract.ts';
import type { Inbound } from './aedes-internals.ts';
import { permissionOf, permissionsFor, SEEING, type Seeing } from './application-permissions.ts';
import type { LocalListener, Message } from './audience.ts';
import { LimitedSight } from './limited-sight.ts';
import { Outbox } from './outbox.ts';
import { NOT_AUTHORIZED } from './reasons.ts';
import { Session, type Surroundings } from './session.ts';

export class ApplicationSession extends Session implements LocalListener {
  readonly principal: MemberPrincipal;
  readonly #outbox: Outbox;
  /** Which devices its roles are limited to, for each kind of topic; undefined: none of that kind at all. */
  readonly #limits: Readonly<Record<Seeing, string | null | undefined>>;
  /** Of one that is limited to some devices only: the others pay nothing for it. */
  readonly #sight: LimitedSight | undefined;

  constructor(around: Surroundings, client: Client, key: string, number: number, principal: MemberPrincipal) {
    super(around, client, key, number);
    this.principal = principal;
    const { subscriberQueueMaxBytes } = around.host.limits;
    this.#outbox = new Outbox(client, subscriberQueueMaxBytes, 'cuts_off');
    this.#limits = limitsOf(SEEING, it => around.host.limitOf(principal, it));
    if (Object.values(this.#limits).some(it => typeof it === 'string'))
      this.#sight = new LimitedSight({
        fits: (device, limit) => around.fitting.fits(principal.tenantId, device, limit),
        limitOf: topic => this.#limits[permissionOf(topic)],
        maxBytes: subscriberQueueMaxBytes,
        seen: (message, qos, identifiers) => this.#post(message, qos, identifiers),
        failed: () => this.missed(),
      });
  }

  get tenant(): string {
    return this.principal.tenant;
  }

  /** Refused: 3.1.1 has no way to say so but to close [MQTT-3.3.5-2]. */
  publish(packet: Inbound): void {
    if (this.isClosed) return;
    this.around.figures.refusedPublishes++;
    if (this.isVersion5) this.answerPublish(packet, NOT_AUTHORIZED);
    else this.close('not_authorized');
  }

  protected forget(): boolean {
    return false;
  }

  protected maySubscribe(filter: string): boolean {
    return permissionsFor(filter)?.every(it => this.#limits[it] !== undefined) === true;
  }

  protected override subscriptionsChanged(): void {
    this.around.audience.changed(this);
  }

  /**
   * One that falls behind loses QoS 0 messages; it is disconnected rather than lose others, and rather than hold anybody back. What it
   * missed is in the database. What is larger than it takes is left out, as if it had been sent (section 3.1.2.11.4).
   */
  deliver(message: Message, qos: 0 | 1 | 2, identifiers: readonly number[]): void {
    if (this.isClosed) return;
    if (this.#sight === undefined) this.#post(message, qos, identifiers);
    else if (!this.#sight.push(message, qos, identifiers)) this.#dropped(qos);
  }

  #post(message: Message, qos: 0 | 1 | 2, identifiers: readonly number[]): void {
    if (this.isClosed) return;
    const posted = this.#outbox.push(message, qos, identifiers);
    if (posted === 'sent') this.around.figures.forwarded++;
    else this.#dropped(posted === 'full' ? qos : 0);
  }

  #dropped(qos: 0 | 1 | 2): void {
    if (qos > 0) this.close('overloaded');
    else this.around.figures.forwardsDropped++;
  }

  /** QoS 0 may be lost without a word; who asked for more has to read what it missed from the history. */
  missed(): void {
    if (this.isClosed || ![...this.subscriptions.values()].some(({ qos }) => qos > 0)) return;
    this.around.figures.missed++;
    this.close('messages_missed');
  }

  override acknowledged(id: number, isRefusal: boolean): void {
    this.#outbox.acknowledged(id, isRefusal);
  }

  override ended(): void {
    super.ended();
    this.#sight?.clear();
  }
}

const limitsOf = <K extends string, V>(keys: readonly K[], of: (key: K) => V): Record<K, V> =>
  Object.fromEntries(keys.map(it => [it, of(it)])) as Record<K, V>;
