/**
 * Messages on their way to the server, on disk and in order, until the server has acknowledged them; telemetry lets the others pass.
 * When it is full the oldest telemetry makes room; answers to commands are always taken.
 */

import { type Entry, MessageQueue, type SpooledMessage } from './message-queue.ts';
import type { Opening } from './open-records.ts';
import { encodeRecord, RECORD_OVERHEAD_BYTES } from './records.ts';
import { decodeSpoolRecord, encodeSpoolRecord, type MessageKind, type SpoolRecord } from './spool-record.ts';
import { type Placed, SpoolSegments } from './spool-segments.ts';

/** Space for files with things in them that nobody needs any more, beside what is needed. */
const SLACK_SEGMENTS = 2;

export type { SpooledMessage };

export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';
}

export type SpoolOptions = Opening & {
  readonly folder: string;
  readonly maxBytes: number;
  readonly segmentMaxBytes: number;
};

export class Spool {
  readonly #options: SpoolOptions;
  readonly #segments: SpoolSegments;
  readonly #messages = new MessageQueue();
  readonly #keys = new Map<string, Promise<void>>();
  #liveBytes = 0;
  #nextNumber = 1;
  #dropped = 0;
  #isClosed = false;
  /** Files are changed by one at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Called when there is something new to send. */
  onAppended: () => void = () => {};

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#segments = new SpoolSegments(options.folder, options.segmentMaxBytes, options);
  }

  async open(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      await this.#segments.close();
      throw error;
    }
  }

  #read(): Promise<void> {
    return this.#segments.open((segment, { offset, length, payload }) => {
      const record = decodeSpoolRecord(payload);
      if (record === undefined)
        return this.#options.onError(new Error(`${segment.file.path} has a record of another version`));
      this.#nextNumber = Math.max(this.#nextNumber, record.number + 1);
      // It may lie in two segments, see `merge`.
      this.#forget(this.#messages.find(record.number));
      if (record.kind === 'removed') return;
      segment.live++;
      segment.liveBytes += length;
      this.#liveBytes += length;
      this.#keep({ ...record, kind: record.kind }, { segment, offset, length });
    });
  }

  get messages(): number {
    return this.#messages.size;
  }
  get bytes(): number {
    return this.#liveBytes;
  }
  /** It holds answers that it would not have had room for if they were anything else. */
  get isOverfull(): boolean {
    return this.#liveBytes > this.#options.maxBytes;
  }
  get fileBytes(): number {
    return this.#segments.bytes;
  }
  /** Telemetry that made room for newer messages since the process started. */
  get telemetryDropped(): number {
    return this.#dropped;
  }

  /**
   * Resolves when the message is as safe as the policy says. Messages with the same key that wait are one.
   * Rejects with SpoolFullError, and with the errors of the file system; then it will not be sent.
   */
  append(kind: MessageKind, payload: Buffer, key = ''): Promise<void> {
    const same = key === '' ? undefined : this.#keys.get(key);
    if (same !== undefined) return same;
    const appended = this.#append({ kind, payload, key });
    if (key !== '') {
      this.#keys.set(key, appended);
      appended.catch(() => this.#keys.delete(key));
    }
    return appended;
  }

  async #append(message: Omit<SpoolRecord, 'number' | 'kind'> & { readonly kind: MessageKind }): Promise<void> {
    if (this.#isClosed) throw new Error('The spool is closed');
    const number = this.#nextNumber++;
    const record = encodeRecord(encodeSpoolRecord({ ...message, number }));
    this.#makeRoom(message.kind, record.length);
    this.#liveBytes += record.length;
    try {
      const { segment, written } = await this.#inTurn(async () => {
        await this.#tidy();
        const segment = await this.#segments.roomFor(record.length);
        segment.live++;
        segment.liveBytes += record.length;
        const written = segment.file.append(record).catch(error => {
          segment.live--;
          segment.liveBytes -= record.length;
          throw error;
        });
        // Whoever waits for the turn must not wait for the disk: then many would not share one sync.
        return { segment, written };
      });
      this.#keep({ ...message, number }, { segment, offset: await written, length: record.length });
    } catch (error) {
      this.#liveBytes -= record.length;
      throw error;
    }
    this.onAppended();
  }

  /** The next one that is not on its way yet; from now on it is. */
  takeNext(): SpooledMessage | undefined {
    return this.#messages.takeNext();
  }
  /** What was on its way has to be sent again. */
  rewind(): void {
    this.#messages.rewind();
  }
  holds({ number }: SpooledMessage): boolean {
    return this.#messages.find(number) !== undefined;
  }

  async payloadOf({ number }: SpooledMessage): Promise<Buffer | undefined> {
    const entry = this.#messages.find(number);
    if (entry === undefined) return undefined;
    const bytes = await entry.segment.file.read(entry.offset, entry.length);
    return decodeSpoolRecord(bytes.subarray(RECORD_OVERHEAD_BYTES))?.payload;
  }

  /** The server has it, or will never take it. */
  remove({ number }: SpooledMessage): void {
    const entry = this.#messages.find(number);
    if (entry === undefined || this.#isClosed) return;
    this.#forget(entry);
    // Lost in a power cut it makes a message go out twice, no more: not worth a sync.
    const marker = encodeRecord(encodeSpoolRecord({ kind: 'removed', number, key: '', payload: Buffer.alloc(0) }));
    this.#inTurn(async () => {
      // First: on a full disk there is no room for the marker before something is deleted.
      await this.#segments.reclaim();
      const segment = await this.#segments.roomFor(marker.length);
      segment.file.append(marker, false).catch(this.#options.onError);
    }).catch(this.#options.onError);
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  async sync(): Promise<void> {
    await this.#inTurn(() => this.#segments.sync());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#inTurn(() => this.#segments.close());
  }

  #makeRoom(kind: MessageKind, bytes: number): void {
    const { maxBytes } = this.#options;
    if (this.#liveBytes + bytes <= maxBytes) return;
    for (const entry of this.#messages.telemetry()) {
      if (this.#liveBytes + bytes <= maxBytes) return;
      if (entry.isOut) continue;
      this.#dropped++;
      this.remove(entry);
    }
    if (this.#liveBytes + bytes > maxBytes && kind !== 'ack')
      throw new SpoolFullError(`The spool is full: ${this.#liveBytes} of ${maxBytes} bytes`);
  }

  async #tidy(): Promise<void> {
    const { maxBytes, segmentMaxBytes, onError } = this.#options;
    const bytes = Math.max(maxBytes, this.#liveBytes) + SLACK_SEGMENTS * segmentMaxBytes;
    if (this.#segments.bytes <= bytes) return;
    const isNeeded = (it: Placed) => this.#messages.find((it as Entry).number) === it;
    const onUnreadable = (it: Placed, error: unknown) => {
      this.#forget(this.#messages.find((it as Entry).number));
      onError(new Error(`A message of kind ${(it as Entry).kind} can not be read`, { cause: error }));
    };
    try {
      await this.#segments.merge(this.#messages.all(), isNeeded, onUnreadable);
    } catch (error) {
      // What can't be tidied now may be later; but not without end.
      if (this.#segments.bytes > bytes + segmentMaxBytes) throw error;
      onError(error as Error);
    }
  }

  #keep({ kind, number, key }: SpooledMessage, placed: Placed): void {
    this.#messages.add({ kind, number, key, ...placed, isOut: false });
    if (key !== '') this.#keys.set(key, Promise.resolve());
  }

  #forget(entry: Entry | undefined): void {
    if (entry === undefined) return;
    this.#messages.delete(entry);
    if (entry.key !== '') this.#keys.delete(entry.key);
    entry.segment.live--;
    entry.segment.liveBytes -= entry.length;
    this.#liveBytes -= entry.length;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}
