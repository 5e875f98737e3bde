/**
 * What goes down to one device. Its subscriptions say what it takes, which its actor is told of: a device gets commands only after that.
 * Made with the first subscription, so that a device that only sends costs nothing here.
 */
import {
  type CommandAttempt,
  type Delivery,
  type Downlink,
  type DownlinkKind,
  RECEIVES,
  type Receiving,
} from '../../../contracts/downlinks.ts';
import { jsonPayload } from '../../../contracts/json.ts';
import { isAcknowledged, type Outcome } from '../../../contracts/uplinks.ts';
import type { DeviceSession } from './device-session.ts';
import { Outbox } from './outbox.ts';
import type { Subscription, Surroundings } from './session.ts';
import { matches } from './topic-filter.ts';

const CONTENT_TYPE = 'application/json';
const text = new TextEncoder();
/** Most devices answer at once. That a command was delivered is then stored together with its answer, and not in a transaction before it. */
const TELL_DELIVERED_AFTER_MS = 20;

export class Downstream {
  readonly #session: DeviceSession;
  readonly #around: Surroundings;
  readonly #topics: Readonly<Record<DownlinkKind, string | undefined>>;
  readonly #outbox: Outbox;
  /** What the device's actor knows. Of a new session it assumes this. */
  #told = 0;
  #isTelling = false;
  #isOversizeLogged = false;
  /** Attempts that the device has acknowledged, and of which its actor was not told yet. */
  #delivered: CommandAttempt[] = [];
  #tellDeliveredLater: NodeJS.Timeout | undefined = undefined;

  /** @param topics undefined: this kind may not be received */
  constructor(
    session: DeviceSession,
    around: Surroundings,
    topics: Readonly<Record<DownlinkKind, string | undefined>>,
  ) {
    this.#session = session;
    this.#around = around;
    this.#topics = topics;
    this.#outbox = new Outbox(session.client, around.host.limits.subscriberQueueMaxBytes, 'waits');
  }

  /**
   * It never ends the session: a device that does not read gets what waits when it reads again. `full` is also what is larger than the
   * device takes, which will never fit on this connection, but may on the next one.
   */
  deliver(downlink: Downlink): Delivery {
    const topic = this.#topics[downlink.kind];
    if (topic === undefined) return 'not_receiving';
    const matching = this.#matching(topic);
    if (matching.length === 0) return 'not_receiving';
    const { attempt } = downlink;
    const posted = this.#outbox.push(
      { topic, payload: text.encode(downlink.payload), contentType: CONTENT_TYPE },
      matching.some(it => it.qos > 0) ? 1 : 0,
      matching.flatMap(it => it.identifier ?? []),
      attempt === null ? undefined : () => this.#noteDelivered(attempt),
    );
    if (posted === 'too_large') this.#logOversize(downlink);
    if (posted === 'sent') this.#around.figures.downlinks++;
    else this.#around.figures.downlinksFull++;
    return posted === 'too_large' ? 'full' : posted;
  }

  /** Whether the device has subscribed to this topic. */
  takes(topic: string): boolean {
    return this.#matching(topic).length > 0;
  }

  /** An answer to something that the device asked for on this connection, as JSON. */
  send(topic: string, answer: string): void {
    const matching = this.#matching(topic);
    if (matching.length === 0) return;
    const qos = matching.some(it => it.qos > 0) ? 1 : 0;
    const message = { topic, payload: text.encode(answer), contentType: CONTENT_TYPE };
    this.#outbox.push(
      message,
      qos,
      matching.flatMap(it => it.identifier ?? []),
    );
  }

  /** Once for each session: it may be tried again often. */
  #logOversize({ kind, payload, attempt }: Downlink): void {
    if (this.#isOversizeLogged) return;
    this.#isOversizeLogged = true;
    const { address, client } = this.#session;
    const bytes = Buffer.byteLength(payload);
    const found = { device: address.key, kind, command: attempt?.id, bytes, takes: client.maximumPacketSize };
    this.#around.host.log.warn(found, 'a message is larger than its device takes');
  }

  #noteDelivered(attempt: CommandAttempt): void {
    this.#delivered.push(attempt);
    this.#tellDeliveredLater ??= setTimeout(() => this.tellDelivered(), TELL_DELIVERED_AFTER_MS);
  }

  /** To be called before an answer of the device goes up, so that its actor hears both in their order, at the same moment. */
  tellDelivered(): void {
    clearTimeout(this.#tellDeliveredLater);
    this.#tellDeliveredLater = undefined;
    for (const attempt of this.#delivered.splice(0)) this.#tell('delivered', attempt);
  }

  acknowledged(id: number, isRefusal: boolean): void {
    this.#outbox.acknowledged(id, isRefusal);
  }

  /**
   * Tells what the device takes now, when that is other than what was told. One at a time: what changes meanwhile is told after it,
   * as it is then.
   */
  subscriptionsAnswered(): void {
    if (this.#isTelling) return;
    const receives = this.#receives();
    if (receives === this.#told) return;
    this.#told = receives;
    this.#isTelling = true;
    this.#tell('receiving', { receives } satisfies Receiving, outcome => this.#settled(outcome));
  }

  /** A device whose actor does not know what it takes would wait for commands in vain: it has to subscribe anew. */
  #settled(outcome: Outcome): void {
    this.#isTelling = false;
    if (this.#session.isOver) return;
    if (isAcknowledged(outcome) && outcome.state !== 'rejected') this.subscriptionsAnswered();
    else this.#session.close(outcome.state === 'overloaded' ? 'overloaded' : 'not_settled');
  }

  #receives(): number {
    let bits = 0;
    for (const kind of ['command', 'desired'] as const) {
      const topic = this.#topics[kind];
      if (topic !== undefined && this.#matching(topic).length > 0) bits |= RECEIVES[kind];
    }
    return bits;
  }

  #matching(topic: string): readonly Subscription[] {
    return [...this.#session.subscriptions.values()].filter(it => matches(it.filter, topic));
  }

  /** Called by sockets and promises too, where an error would end the process. Nothing is told of a session that is over. */
  #tell(kind: 'receiving' | 'delivered', content: unknown, settled: (outcome: Outcome) => void = () => {}): void {
    const { address, number: session, isOver } = this.#session;
    if (isOver) return;
    const { host } = this.#around;
    const payload = jsonPayload(content);
    try {
      host.ingress.receive(
        { address, session, receivedAtMs: host.now(), kind, topic: '', contentType: '', payload },
        settled,
      );
    } catch (err) {
      this.#session.failed(err);
    }
  }
}
