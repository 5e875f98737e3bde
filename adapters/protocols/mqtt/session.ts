/** One live connection whose key was found good: what devices and applications have in common. */
import type { Client } from 'aedes';
import type { ProtocolHost } from '../protocol.ts';
import { type Acknowledgements, PUBACK, PUBCOMP, PUBREC } from './acknowledgements.ts';
import type { Inbound } from './aedes-internals.ts';
import type { Audience } from './audience.ts';
import type { Departures } from './departures.ts';
import type { Figures } from './figures.ts';
import type { FittingDevices } from './fitting-devices.ts';
import type { FrontNodes } from './nodes/front-nodes.ts';
import { DISCONNECTS, type DisconnectReason, isServersDoing, PACKET_IDENTIFIER_NOT_FOUND, SUCCESS } from './reasons.ts';
import { parseFilter, type TopicFilter } from './topic-filter.ts';

/** What all sessions of one adapter use together. */
export type Surroundings = {
  readonly host: ProtocolHost;
  readonly figures: Figures;
  readonly acknowledgements: Acknowledgements;
  readonly audience: Audience;
  readonly departures: Departures;
  readonly nodes: FrontNodes;
  readonly fitting: FittingDevices;
};

export type Subscription = {
  readonly filter: TopicFilter;
  readonly qos: 0 | 1 | 2;
  /** MQTT 5: comes back with every message that this subscription let through. */
  readonly identifier: number | undefined;
};
export type WantedSubscription = { readonly topic: string; readonly qos: 0 | 1 | 2; subscriptionIdentifier?: number };

export abstract class Session {
  readonly client: Client;
  /** Names the one session that there may be: of a device, or of a client id of a tenant's applications. */
  readonly key: string;
  /** Grows with every connect. */
  readonly number: number;
  readonly isVersion5: boolean;
  answers: number[] | undefined = undefined;
  isClosed = false;
  /** Why the server closed it; undefined: it did not. */
  closedFor: DisconnectReason | undefined = undefined;
  #subscriptions: Map<string, Subscription> | undefined = undefined;
  protected readonly around: Surroundings;

  constructor(around: Surroundings, client: Client, key: string, number: number) {
    this.around = around;
    this.client = client;
    this.key = key;
    this.number = number;
    this.isVersion5 = client.version === 5;
  }

  abstract publish(packet: Inbound): void;
  /** PUBREL: the client will not send this packet identifier again. Returns whether it was known. */
  protected abstract forget(id: number): boolean;
  protected abstract maySubscribe(filter: string): boolean;

  release(packet: Inbound): void {
    const wasKnown = this.forget(packet.messageId!);
    const reason = this.isVersion5 && !wasKnown ? PACKET_IDENTIFIER_NOT_FOUND : SUCCESS;
    this.around.acknowledgements.answer(this, PUBCOMP, packet.messageId!, reason);
  }

  /** Closed by the server, or by whatever else. */
  get isOver(): boolean {
    return this.isClosed || this.client.closed;
  }

  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions ?? NONE;
  }

  /** Grants it, or not. */
  subscribe(wanted: WantedSubscription): boolean {
    const { topicMaxBytes, subscriptionsPerConnection } = this.around.host.limits;
    const { topic, qos, subscriptionIdentifier: identifier } = wanted;
    if (!this.maySubscribe(topic) || Buffer.byteLength(topic) > topicMaxBytes) return false;
    if (!this.subscriptions.has(topic) && this.subscriptions.size >= subscriptionsPerConnection) return false;
    this.#subscriptions ??= new Map();
    this.#subscriptions.set(topic, { filter: parseFilter(topic), qos, identifier });
    this.subscriptionsChanged();
    return true;
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#subscriptions?.delete(topic);
    this.subscriptionsChanged();
  }

  protected subscriptionsChanged(): void {}

  /** A SUBACK or UNSUBACK is written. */
  subscriptionsAnswered(): void {}

  /** A PUBACK or PUBCOMP came. `isRefusal`: the client did not want the message. */
  abstract acknowledged(id: number, isRefusal: boolean): void;

  /** Answers a PUBLISH; the reason is said to MQTT 5 clients only. */
  protected answerPublish(packet: Inbound, reason: number): void {
    const { acknowledgements } = this.around;
    if (packet.qos === 0) acknowledgements.silence(this);
    else acknowledgements.answer(this, packet.qos === 1 ? PUBACK : PUBREC, packet.messageId!, reason);
  }

  /** Says what is already settled, then why it ends (MQTT 5), then closes. Nothing is taken from this client any more. */
  close(reason: DisconnectReason): void {
    if (this.isClosed) return;
    this.takeNoMore(reason);
    this.client.disconnect({ reasonCode: DISCONNECTS[reason] });
  }

  protected takeNoMore(reason: DisconnectReason): void {
    this.isClosed = true;
    this.closedFor = reason;
    if (!isServersDoing(reason)) this.around.figures.cutOff++;
    this.around.acknowledgements.flush(this);
  }

  /** The connection is gone. */
  ended(): void {
    this.isClosed = true;
    this.#subscriptions = undefined;
    this.subscriptionsChanged();
  }
}

const NONE: ReadonlyMap<string, Subscription> = new Map();
