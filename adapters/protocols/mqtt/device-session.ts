/**
 * A device: what it publishes becomes uplinks, and is acknowledged when those are settled. This is the hot path: for each
 * message one uplink, one closure, and no promise.
 */
import type { Client } from 'aedes';
import type { DevicePrincipal } from '../../../contracts/access.contract.ts';
import type { Delivery, Downlink } from '../../../contracts/downlinks.ts';
import { type DeviceAddress, isAcknowledged, type Outcome, type Uplink } from '../../../contracts/uplinks.ts';
import type { Inbound } from './aedes-internals.ts';
import type { Target } from './audience.ts';
import { DelayLine } from './delay-line.ts';
import { Downstream } from './downstream.ts';
import type { Pace } from './pace.ts';
import { ANSWERED, FREE, PacketIds, UNDER_WAY } from './packet-ids.ts';
import { DevicePermissions } from './permissions.ts';
import { SUCCESS } from './reasons.ts';
import { notSubscribed, Renewal, renewedTopic, renewTopic } from './renewal.ts';
import { Session, type Surroundings } from './session.ts';
import type { TenantPace } from './tenant-paces.ts';
import { packetTooLarge, tooLarge, type WrongPublish, wrongTopic } from './wrong-publish.ts';

const NOTHING = new Uint8Array(0);
/** RFC 6838, section 4.2: a type and a subtype have at most 127 characters each; and no character of this kind. */
const CONTENT_TYPE_MAX_LENGTH = 255;
const PRINTABLE = /^[\x20-\x7e]*$/;

export type DeviceConnection = {
  readonly client: Client;
  readonly key: string;
  readonly number: number;
  readonly address: DeviceAddress;
  readonly pace: Pace;
  /** Of all devices of its tenant. */
  readonly tenantPace: TenantPace;
  readonly principal: DevicePrincipal;
};

export class DeviceSession extends Session {
  readonly address: DeviceAddress;
  readonly pace: Pace;
  readonly #tenantPace: TenantPace;
  readonly #principal: DevicePrincipal;
  readonly #may: DevicePermissions;
  readonly #ids = new PacketIds();
  #down: Downstream | undefined = undefined;
  #renewal: Renewal | undefined = undefined;
  #delayed: DelayLine<{ packet: Inbound; receivedAtMs: number }> | undefined = undefined;
  /** Who saw the last topic that somebody wanted to see. */
  #targets: { readonly topic: string; readonly version: number; readonly list: readonly Target[] } | undefined =
    undefined;

  constructor(around: Surroundings, { client, key, number, address, pace, tenantPace, principal }: DeviceConnection) {
    super(around, client, key, number);
    this.address = address;
    this.pace = pace;
    this.#tenantPace = tenantPace;
    this.#may = new DevicePermissions(address.device, principal.scopes);
    this.#principal = principal;
  }

  publish(packet: Inbound): void {
    if (this.isClosed) return;
    const nowMs = this.around.host.now();
    const ownMs = this.pace.take(nowMs);
    // Who is cut off for its own rate takes nothing from the others.
    const waitMs = ownMs === Number.POSITIVE_INFINITY ? ownMs : Math.max(ownMs, this.#tenantPace.take(nowMs));
    if (waitMs <= 0 && (this.#delayed === undefined || this.#delayed.isEmpty)) this.#accept(packet, nowMs);
    else if (waitMs === Number.POSITIVE_INFINITY) this.close('rate_too_high');
    else this.#delay(packet, nowMs, waitMs);
  }

  #delay(packet: Inbound, nowMs: number, waitMs: number): void {
    const { host } = this.around;
    this.#delayed ??= new DelayLine(
      delayed => this.#acceptDelayed(delayed.packet, delayed.receivedAtMs),
      () => host.now(),
    );
    this.#delayed.push({ packet, receivedAtMs: nowMs }, nowMs + waitMs);
  }

  /** Called by a timer, where an error would end the process. */
  #acceptDelayed(packet: Inbound, receivedAtMs: number): void {
    try {
      if (!this.isClosed) this.#accept(packet, receivedAtMs);
    } catch (err) {
      this.failed(err);
    }
  }

  #accept(packet: Inbound, receivedAtMs: number): void {
    const { host, figures } = this.around;
    figures.messagesIn++;
    // We announce no Topic Alias Maximum, so none may be used [MQTT-3.2.2-17].
    if (packet.properties?.topicAlias !== undefined) return this.close('topic_alias_invalid');
    if (packet.qos === 0 && host.ingress.load() * 100 > host.limits.ingressShedPercent) return this.#shed(packet);
    if (packet.qos === 2 && this.#isKnown(packet.messageId!)) return this.#answerAgain(packet);
    const wrong = tooLarge(packet, host.limits);
    const kind = wrong === undefined ? this.#may.kindOf(packet.topic) : undefined;
    if (kind === undefined && wrong === undefined && this.#renews(packet.topic))
      return this.#renew(packet, receivedAtMs);
    if (kind === undefined) return this.#refuse(packet, receivedAtMs, wrong ?? wrongTopic(packet.topic, host.limits));
    if (packet.qos === 2) this.#ids.set(packet.messageId!, UNDER_WAY);
    const uplink: Uplink = {
      address: this.address,
      session: this.number,
      receivedAtMs,
      kind,
      topic: packet.topic,
      contentType: contentTypeOf(packet),
      payload: packet.payload,
    };
    if (kind === 'ack') this.#down?.tellDelivered();
    host.ingress.receive(uplink, outcome => this.#settled(packet, uplink, undefined, outcome));
  }

  #renews(topic: string): boolean {
    return this.around.host.certificates !== undefined && topic === renewTopic(this.address.device);
  }

  /** Acknowledged when the new certificate is stored, or cannot be had. */
  #renew(packet: Inbound, receivedAtMs: number): void {
    const topic = renewedTopic(this.address.device);
    const down = this.#downstream();
    if (!down.takes(topic)) return this.#refuse(packet, receivedAtMs, notSubscribed(this.address.device));
    if (packet.qos === 2) this.#ids.set(packet.messageId!, UNDER_WAY);
    this.#renewal ??= new Renewal({
      certificates: this.around.host.certificates!,
      principal: this.#principal,
      tell: answer => this.isOver || down.send(topic, answer),
    });
    this.#renewal
      .take(packet.payload)
      .then(() => this.isClosed || this.#answer(packet, SUCCESS))
      .catch(err => this.failed(err));
  }

  #refuse(packet: Inbound, receivedAtMs: number, wrong: WrongPublish): void {
    this.around.figures.refusedPublishes++;
    if (packet.qos === 2) this.#ids.set(packet.messageId!, UNDER_WAY);
    const uplink = this.#refusedUplink(packet, receivedAtMs, wrong);
    this.around.host.ingress.receive(uplink, outcome => this.#settled(packet, uplink, wrong, outcome));
  }

  #refusedUplink(packet: Inbound, receivedAtMs: number, { refusal }: WrongPublish): Uplink {
    return {
      address: this.address,
      session: this.number,
      receivedAtMs,
      kind: 'other',
      topic: packet.topic.slice(0, this.around.host.limits.topicMaxBytes),
      contentType: contentTypeOf(packet),
      payload: refusal.reason === 'packet_too_large' ? NOTHING : packet.payload,
      refused: refusal,
    };
  }

  /** The ingress has one outcome for each uplink; whatever goes wrong here must not reach the others. */
  #settled(packet: Inbound, uplink: Uplink, wrong: WrongPublish | undefined, outcome: Outcome): void {
    try {
      if (outcome.state === 'stored' && wrong === undefined && !this.around.audience.isEmpty)
        this.#forward(uplink, packet.qos);
      if (this.isClosed) return;
      if (!isAcknowledged(outcome)) this.#notSettled(packet, outcome);
      else if (wrong === undefined) this.#answer(packet, SUCCESS);
      else if (this.isVersion5 && wrong.answer !== undefined) this.#answer(packet, wrong.answer);
      else this.close(wrong.close);
    } catch (err) {
      this.failed(err);
    }
  }

  /** Handling something threw: a defect, which ends this connection and no more. */
  failed(err: unknown): void {
    this.around.host.log.error({ err, device: this.address.key }, 'a message could not be handled');
    this.close('not_settled');
  }

  #answer(packet: Inbound, reason: number): void {
    // A PUBREC that refuses frees the packet identifier (section 4.3.3).
    if (packet.qos === 2) this.#ids.set(packet.messageId!, reason === SUCCESS ? ANSWERED : FREE);
    this.answerPublish(packet, reason);
  }

  /** Nobody waits for an answer to QoS 0, and closing would not bring it back. */
  #notSettled(packet: Inbound, outcome: Outcome): void {
    if (packet.qos === 0) this.#shed(packet);
    else this.close(outcome.state === 'overloaded' ? 'overloaded' : 'not_settled');
  }

  #shed(packet: Inbound): void {
    this.around.figures.qos0Dropped++;
    this.around.figures.qos0DroppedAtMs = this.around.host.now();
    this.answerPublish(packet, SUCCESS);
  }

  #isKnown(id: number): boolean {
    return this.#ids.get(id) !== FREE;
  }

  /** The same QoS 2 message once more [MQTT-4.3.3-10]: its PUBREC is repeated, or still to come from the first. */
  #answerAgain(packet: Inbound): void {
    if (this.#ids.get(packet.messageId!) === ANSWERED) this.answerPublish(packet, SUCCESS);
    else this.around.acknowledgements.silence(this);
  }

  protected forget(id: number): boolean {
    const wasKnown = this.#isKnown(id);
    if (wasKnown) this.#ids.set(id, FREE);
    return wasKnown;
  }

  protected maySubscribe(filter: string): boolean {
    return this.#may.maySubscribe(filter);
  }

  override subscriptionsAnswered(): void {
    if (this.isOver || (this.#down === undefined && this.subscriptions.size === 0)) return;
    this.#downstream().subscriptionsAnswered();
  }

  #downstream(): Downstream {
    this.#down ??= new Downstream(this, this.around, this.#may.down);
    return this.#down;
  }

  deliver(downlink: Downlink): Delivery {
    if (this.isOver) return 'gone';
    return this.#down?.deliver(downlink) ?? 'not_receiving';
  }

  override acknowledged(id: number, isRefusal: boolean): void {
    if (!this.isOver) this.#down?.acknowledged(id, isRefusal);
  }

  /** aedes cut off a packet that is too large while it came in: nobody knows its topic, nor its payload. */
  cutOffTooLarge(detail: string): void {
    if (this.isClosed) return;
    const { host, figures } = this.around;
    figures.refusedPublishes++;
    this.takeNoMore('packet_too_large');
    const unread = { cmd: 'publish', length: 0, qos: 0, topic: '', payload: NOTHING } as const;
    host.ingress.receive(this.#refusedUplink(unread, host.now(), packetTooLarge(detail)), () => {});
  }

  #forward({ address, topic, payload, contentType }: Uplink, qos: 0 | 1 | 2): void {
    const { audience } = this.around;
    if (this.#targets?.version !== audience.version || this.#targets.topic !== topic)
      this.#targets = { topic, version: audience.version, list: audience.targets(address.tenant, topic) };
    if (this.#targets.list.length === 0) return;
    const message = { topic, payload, qos, contentType };
    for (const target of this.#targets.list)
      target.listener.deliver(message, qos < target.qos ? qos : target.qos, target.identifiers);
  }

  override ended(): void {
    this.#down?.tellDelivered();
    super.ended();
    this.#delayed?.clear();
    this.#down = undefined;
  }
}

/** A property that is there twice comes as a list, and one that lies may hold anything. */
function contentTypeOf({ properties }: Inbound): string {
  const told = properties?.contentType;
  if (told === undefined) return '';
  return typeof told === 'string' && told.length <= CONTENT_TYPE_MAX_LENGTH && PRINTABLE.test(told) ? told : '';
}
