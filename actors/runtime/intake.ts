import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { InstanceId } from '../../contracts/ownership.ts';
import type { Batch, Outcome } from '../../contracts/uplinks.ts';
import type { Host } from './host.ts';
import { type Clock, every, type Scheduler } from './ports.ts';

export type IntakeParts = {
  readonly host: Pick<Host, 'deliver'>;
  readonly instanceId: InstanceId;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits: Limits;
};

type Held = { readonly batch: Batch; readonly answer: PromiseWithResolvers<Outcome[]> };
type Stream = {
  next: number;
  /** One of its batches came too late to be done: what follows must not be done either. */
  isOver: boolean;
  /** Of the last batches: one that comes again is answered with what it was answered before. */
  readonly answers: Map<number, Promise<Outcome[]>>;
  /** Batches that overtook others. */
  readonly held: Map<number, Held>;
  usedAtMs: number;
};

/** How many batches a sender may be ahead of its oldest without an answer, for each that may be under way. */
export const WINDOW_PER_BATCH_UNDER_WAY = 4;
const SWEEP_MS = 1_000;
const IDLE_MS = 120_000;

/**
 * Takes the batches of each sender in the order of their numbers, whatever the bus does to them: one that overtook waits, one
 * that comes twice is done once and answered twice, one that is late is refused.
 */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #streams = new Map<string, Stream>();
  readonly #keep: number;
  #cancelSweep: () => void = () => {};

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#keep = parts.limits.batchesUnderWay * WINDOW_PER_BATCH_UNDER_WAY;
  }

  start(): void {
    this.#cancelSweep = every(this.#parts.scheduler, SWEEP_MS, () => this.#sweep());
  }

  stop(): void {
    this.#cancelSweep();
  }

  /** Batches that wait for earlier ones, and senders known. */
  figures(): { streams: number; heldBatches: number } {
    let heldBatches = 0;
    for (const stream of this.#streams.values()) heldBatches += stream.held.size;
    return { streams: this.#streams.size, heldBatches };
  }

  /** One outcome for each uplink. Rejects with `not_owner` and `expired`: nothing was done; `unknown_outcome`: forgotten. */
  deliver(batch: Batch): Promise<Outcome[]> {
    if (batch.instance !== this.#parts.instanceId)
      return Promise.reject(new SkeinError('not_owner', 'This batch is for another run of this node'));
    const stream = this.#streamOf(batch);
    if (stream === undefined)
      return Promise.reject(new SkeinError('not_owner', 'This stream is not known here: begin a new one'));
    stream.usedAtMs = this.#parts.clock.elapsedMs();
    const { sequence } = batch;
    if (sequence < stream.next)
      return stream.answers.get(sequence) ?? Promise.reject(new SkeinError('unknown_outcome', 'Answered long ago'));
    if (stream.isOver)
      return Promise.reject(new SkeinError('not_owner', 'A batch before this one was late: begin a new stream'));
    if (sequence > stream.next) return this.#hold(stream, batch);
    const answer = this.#take(stream, batch);
    this.#takeHeld(stream);
    return answer;
  }

  #streamOf({ stream: name, sequence }: Batch): Stream | undefined {
    const known = this.#streams.get(name);
    if (known) {
      // The one that was silent longest is first.
      this.#streams.delete(name);
      this.#streams.set(name, known);
      return known;
    }
    // A new stream begins with 0. Others that come first wait for it; but not those of a stream that was forgotten.
    if (sequence >= this.#keep) return undefined;
    const made: Stream = { next: 0, isOver: false, answers: new Map(), held: new Map(), usedAtMs: 0 };
    this.#streams.set(name, made);
    if (this.#streams.size > this.#parts.limits.streamsMax) this.#forget(this.#streams.keys().next().value!);
    return made;
  }

  #hold(stream: Stream, batch: Batch): Promise<Outcome[]> {
    const known = stream.held.get(batch.sequence);
    if (known) return known.answer.promise;
    if (stream.held.size >= this.#keep)
      return Promise.reject(new SkeinError('overloaded', 'Too many batches wait for an earlier one'));
    const held = { batch, answer: Promise.withResolvers<Outcome[]>() };
    // Whoever asked may be gone by the time that it is refused.
    held.answer.promise.catch(() => {});
    stream.held.set(batch.sequence, held);
    return held.answer.promise;
  }

  #take(stream: Stream, batch: Batch): Promise<Outcome[]> {
    const { clock, host, limits } = this.#parts;
    const nowMs = clock.nowMs();
    stream.next = batch.sequence + 1;
    stream.isOver = nowMs > batch.deadlineMs;
    const patienceMs = limits.commitPatienceSeconds * 1_000;
    const answer = stream.isOver
      ? Promise.reject<Outcome[]>(new SkeinError('expired', 'The deadline of this batch has passed'))
      : host.deliver(batch.uplinks, batch.epochs, Math.min(nowMs, batch.deadlineMs - patienceMs));
    answer.catch(() => {});
    stream.answers.set(batch.sequence, answer);
    stream.answers.delete(batch.sequence - this.#keep);
    return answer;
  }

  #takeHeld(stream: Stream): void {
    if (stream.isOver) return this.#refuseHeld(stream);
    for (let held = stream.held.get(stream.next); held !== undefined; held = stream.held.get(stream.next)) {
      stream.held.delete(held.batch.sequence);
      this.#take(stream, held.batch).then(held.answer.resolve, held.answer.reject);
      if (stream.isOver) this.#refuseHeld(stream);
    }
  }

  #refuseHeld(stream: Stream): void {
    for (const { answer } of stream.held.values())
      answer.reject(new SkeinError('not_owner', 'This stream has ended: begin a new one'));
    stream.held.clear();
  }

  #sweep(): void {
    const { clock } = this.#parts;
    const nowMs = clock.nowMs();
    for (const stream of this.#streams.values())
      for (const [sequence, { batch, answer }] of stream.held)
        if (nowMs > batch.deadlineMs) {
          stream.held.delete(sequence);
          answer.reject(new SkeinError('expired', 'The deadline passed while an earlier batch was missing'));
        }
    for (const [name, { usedAtMs }] of this.#streams) {
      if (clock.elapsedMs() - usedAtMs < IDLE_MS) break;
      this.#forget(name);
    }
  }

  #forget(name: string): void {
    this.#refuseHeld(this.#streams.get(name)!);
    this.#streams.delete(name);
  }
}
