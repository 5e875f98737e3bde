/** One other node, as this one knows it. */
import type { FrontNode } from '../../../../contracts/mqtt.contract.ts';
import type { InstanceId } from '../../../../contracts/ownership.ts';
import type { Audience } from '../audience.ts';
import { IncomingStream, type Missed, NOTHING_MISSED } from './incoming-stream.ts';
import type { OutgoingStream } from './outgoing-stream.ts';
import { RemoteInterest } from './remote-interest.ts';

export class Peer {
  readonly address: string;
  readonly interest: RemoteInterest;
  readonly incoming = new IncomingStream();
  readonly #newStream: () => OutgoingStream;
  outgoing: OutgoingStream;
  /** Undefined: it has not been heard of, or was forgotten. */
  instance: InstanceId | undefined = undefined;
  heardAtMs = 0;
  /** The version of our interest that it has. */
  knows = 0;
  /** It answered the last time that it was asked. */
  isAnswering = false;
  /** Tenants with subscriptions that were granted here before it had heard of them: it may not have sent what those want. */
  readonly unheard = new Set<string>();

  constructor(address: string, audience: Pick<Audience, 'changedElsewhere'>, newStream: () => OutgoingStream) {
    this.address = address;
    this.#newStream = newStream;
    this.outgoing = newStream();
    this.interest = new RemoteInterest(audience, (tenant, message, qos) => this.outgoing.push(tenant, message, qos));
  }

  get isLive(): boolean {
    return this.instance !== undefined;
  }

  /** False: this comes from an earlier run under the same address. */
  heard({ instance, version, interest }: FrontNode, nowMs: number): boolean {
    if (this.instance !== undefined && this.instance !== instance) {
      if (version <= this.interest.version) return false;
      this.#beginAnew();
    }
    this.instance = instance;
    this.heardAtMs = nowMs;
    if (interest !== null) this.interest.replace(version, interest);
    return true;
  }

  /** It is gone, for all that is known. What it had for us by then may be lost. */
  forget(): Missed {
    if (!this.isLive) return NOTHING_MISSED;
    this.instance = undefined;
    this.isAnswering = false;
    this.#beginAnew();
    return this.incoming.lost();
  }

  /** What we sent, or did not send, so far is not all that it wanted. */
  renewStream(): void {
    this.outgoing.close();
    this.outgoing = this.#newStream();
  }

  /** It has no applications any more: its process is another one, or gone. */
  #beginAnew(): void {
    this.interest.forget();
    this.renewStream();
    this.knows = 0;
    this.unheard.clear();
  }
}
