/** The messages that wait, the oldest first; and what is not telemetry before all telemetry: an answer comes too late otherwise. */
import type { MessageKind } from './spool-record.ts';
import type { Placed } from './spool-segments.ts';

export type SpooledMessage = {
  readonly kind: MessageKind;
  readonly number: number;
  readonly key: string;
};
export type Entry = SpooledMessage & Placed & { isOut: boolean };

export class MessageQueue {
  /** By their number. */
  readonly #telemetry = new Map<number, Entry>();
  readonly #others = new Map<number, Entry>();

  get size(): number {
    return this.#telemetry.size + this.#others.size;
  }
  find(number: number): Entry | undefined {
    return this.#others.get(number) ?? this.#telemetry.get(number);
  }
  *all(): Iterable<Entry> {
    yield* this.#others.values();
    yield* this.#telemetry.values();
  }
  telemetry(): Iterable<Entry> {
    return this.#telemetry.values();
  }

  add(entry: Entry): void {
    (entry.kind === 'telemetry' ? this.#telemetry : this.#others).set(entry.number, entry);
  }
  delete({ number }: Entry): void {
    this.#telemetry.delete(number);
    this.#others.delete(number);
  }

  /** The first that is not on its way yet; from now on it is. */
  takeNext(): SpooledMessage | undefined {
    for (const entry of this.all())
      if (!entry.isOut) {
        entry.isOut = true;
        return entry;
      }
    return undefined;
  }

  /** What was on its way has to be sent again. */
  rewind(): void {
    for (const entry of this.all()) entry.isOut = false;
  }
}
