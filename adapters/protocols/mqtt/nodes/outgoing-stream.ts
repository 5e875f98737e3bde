/**
 * The messages for the applications of one other node, in numbered batches: a few under way, sent again a few times from the
 * first that was not taken. What does not get there is told with the next that does, by the names of its tenants.
 */
import type { ForwardedMessage, StreamHead } from '../../../../contracts/mqtt.contract.ts';
import type { systemScheduler } from '../../../system/ports.ts';
import type { Message } from '../audience.ts';
import type { Figures } from '../figures.ts';

export type StreamLimits = {
  /** Of all messages that wait or are under way. */
  readonly queueMaxBytes: number;
  readonly batchMaxMessages: number;
  readonly batchMaxBytes: number;
  readonly batchesUnderWay: number;
};
export type Batch = { readonly sequence: number; readonly messages: readonly ForwardedMessage[] };
/** Answers the number of the next batch that the other node wants. */
export type SendBatch = (head: StreamHead, batch: Batch) => Promise<number>;

/** What a small message costs beside its bytes. */
const OVERHEAD_BYTES = 128;
/** So long as nothing gets through. */
const ATTEMPTS = 3;
const PAUSE_MS = 250;

export class OutgoingStream {
  readonly #stream: number;
  readonly #whole: boolean;
  readonly #send: SendBatch;
  readonly #limits: StreamLimits;
  readonly #scheduler: typeof systemScheduler;
  readonly #figures: Pick<Figures, 'forwardedToNodes' | 'forwardsToNodesDropped'>;
  #queue: ForwardedMessage[] = [];
  #underWay: Batch[] = [];
  #bytes = 0;
  #nextSequence = 0;
  #calls = 0;
  #attempts = 0;
  #isFlushing = false;
  #isStalled = false;
  #isClosed = false;
  /** Those that the other node has not been told of. */
  readonly #lost = new Map<string, number>();
  #losses = 0;

  /** @param whole no device could send anything before it began */
  constructor(
    stream: number,
    whole: boolean,
    send: SendBatch,
    limits: StreamLimits,
    scheduler: typeof systemScheduler,
    figures: Pick<Figures, 'forwardedToNodes' | 'forwardsToNodesDropped'>,
  ) {
    this.#stream = stream;
    this.#whole = whole;
    this.#send = send;
    this.#limits = limits;
    this.#scheduler = scheduler;
    this.#figures = figures;
  }

  get head(): StreamHead {
    const oldest = this.#underWay[0]?.sequence ?? this.#nextSequence;
    return { stream: this.#stream, whole: this.#whole, oldest, lost: [...this.#lost] };
  }

  /** The other node has this head. */
  told(head: StreamHead): void {
    for (const [tenant, loss] of head.lost) if (this.#lost.get(tenant) === loss) this.#lost.delete(tenant);
  }

  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#underWay.length === 0;
  }

  push(tenant: string, { topic, payload, qos, contentType }: Message, grantedQos: 0 | 1 | 2): void {
    const message: ForwardedMessage = [tenant, topic, payload, qos, contentType];
    const bytes = bytesOf(message);
    if (this.#bytes + bytes > this.#limits.queueMaxBytes) {
      this.#figures.forwardsToNodesDropped++;
      if (grantedQos > 0) this.#lose(tenant);
      return;
    }
    this.#bytes += bytes;
    this.#queue.push(message);
    this.#flushSoon();
  }

  /** Sends no more. What did not get there by now is lost. */
  close(): void {
    this.#isClosed = true;
    const waiting = this.#queue;
    this.#queue = [];
    this.#loseAll([...this.#underWay.flatMap(({ messages }) => messages), ...waiting]);
    this.#underWay = [];
  }

  #lose(tenant: string): void {
    this.#lost.set(tenant, ++this.#losses);
  }

  /** The messages of one moment gather in one batch. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#scheduler.soon(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (!this.#isStalled && this.#queue.length > 0 && this.#underWay.length < this.#limits.batchesUnderWay) {
      const batch = { sequence: this.#nextSequence++, messages: this.#takeBatch() };
      this.#underWay.push(batch);
      this.#transmit(batch);
    }
  }

  #takeBatch(): ForwardedMessage[] {
    const { batchMaxMessages, batchMaxBytes } = this.#limits;
    let count = 0;
    for (let bytes = 0; count < Math.min(this.#queue.length, batchMaxMessages); count++) {
      bytes += bytesOf(this.#queue[count]!);
      if (count > 0 && bytes > batchMaxBytes) break;
    }
    return this.#queue.splice(0, count);
  }

  #transmit(batch: Batch): void {
    const { head } = this;
    this.#calls++;
    this.#send(head, batch).then(
      next => this.#answered(batch, next, head),
      () => this.#answered(batch, undefined, head),
    );
  }

  /** @param next undefined: no answer came */
  #answered(batch: Batch, next: number | undefined, head: StreamHead): void {
    this.#calls--;
    if (this.#isClosed) return;
    if (next !== undefined) {
      this.told(head);
      this.#arrived(next);
    }
    if (this.#underWay.includes(batch)) this.#isStalled = true;
    if (!this.#isStalled) this.#flushSoon();
    else if (this.#calls === 0) this.#again();
  }

  #arrived(next: number): void {
    while (this.#underWay.length > 0 && this.#underWay[0]!.sequence < next) {
      const { messages } = this.#underWay.shift()!;
      this.#bytes -= sizeOf(messages);
      this.#figures.forwardedToNodes += messages.length;
      this.#attempts = 0;
    }
  }

  /** Only when no call is under way any more: what is sent again must not overtake what was sent before. */
  #again(): void {
    if (++this.#attempts >= ATTEMPTS) return this.#giveUp();
    this.#scheduler.after(PAUSE_MS, () => {
      if (this.#isClosed) return;
      this.#isStalled = false;
      if (this.#underWay.length === 0) this.#flushSoon();
      for (const batch of [...this.#underWay]) this.#transmit(batch);
    });
  }

  #giveUp(): void {
    this.#loseAll(this.#underWay.flatMap(({ messages }) => messages));
    this.#underWay = [];
    this.#attempts = 0;
    this.#isStalled = false;
    this.#flushSoon();
  }

  /** Names every tenant, of QoS 0 too: a number of the sequence that is passed over needs a reason. */
  #loseAll(messages: readonly ForwardedMessage[]): void {
    this.#bytes -= sizeOf(messages);
    this.#figures.forwardsToNodesDropped += messages.length;
    for (const [tenant] of messages) this.#lose(tenant);
  }
}

const bytesOf = ([, topic, payload]: ForwardedMessage): number => payload.length + topic.length + OVERHEAD_BYTES;
const sizeOf = (messages: readonly ForwardedMessage[]): number =>
  messages.reduce((sum, message) => sum + bytesOf(message), 0);
