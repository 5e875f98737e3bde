/** An application: sees what the devices of its tenant send, as it is stored. It publishes nothing over MQTT. */
import type { Client } from 'aedes';
import type { Inbound } from './aedes-internals.ts';
import type { LocalListener, Message } from './audience.ts';
import { Outbox } from './outbox.ts';
import { mayApplicationSubscribe } from './permissions.ts';
import { NOT_AUTHORIZED } from './reasons.ts';
import { Session, type Surroundings } from './session.ts';

export class ApplicationSession extends Session implements LocalListener {
  readonly tenant: string;
  readonly #outbox: Outbox;

  constructor(around: Surroundings, client: Client, key: string, number: number, tenant: string) {
    super(around, client, key, number);
    this.tenant = tenant;
    this.#outbox = new Outbox(client, around.host.limits.subscriberQueueMaxBytes, 'cuts_off');
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
    return mayApplicationSubscribe(filter);
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
    const posted = this.#outbox.push(message, qos, identifiers);
    if (posted === 'sent') this.around.figures.forwarded++;
    else if (posted === 'full' && qos > 0) this.close('overloaded');
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
}
