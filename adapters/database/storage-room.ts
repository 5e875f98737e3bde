/**
 * Whether the database has room to write, for all of a process. It is read-only from the moment that the database says that its disk is
 * full, or that its folder has less room than the reserve, until a probe could write again.
 */
import type { Limits } from '../../contracts/limits.ts';
import type { ReadOnly, Room } from './database.ts';

const MIB = 1024 * 1024;
/** What must be free beyond the reserve before it ends, so that it does not begin again at once: a quarter of it. */
const BEYOND = 1.25;

export type RoomParts = {
  readonly limits: Pick<Limits, 'diskReserveMiB' | 'diskWatchMs' | 'diskProbeMs' | 'diskProbeMaxMs'>;
  /** Free bytes where the database is; absent: it is not here. */
  readonly free?: () => Promise<number>;
  /** Writes something, to see whether it can. Rejects when there is no room, or for any other reason. */
  readonly probe: () => Promise<void>;
  /** It became read-only, or is it no more. */
  readonly onChange?: (readOnly: ReadOnly | undefined, freeBytes: number | undefined) => void;
};

export class StorageRoom implements Room {
  readonly #parts: RoomParts;
  #readOnly: ReadOnly | undefined;
  #freeBytes: number | undefined;
  #times = 0;
  #watching: NodeJS.Timeout | undefined;
  #probing: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  get readOnly(): ReadOnly | undefined {
    return this.#readOnly;
  }

  get freeBytes(): number | undefined {
    return this.#freeBytes;
  }

  get times(): number {
    return this.#times;
  }

  /** Looks at the free room, now and again and again. */
  async start(): Promise<void> {
    if (this.#parts.free === undefined) return;
    await this.#look();
    this.#watching = setInterval(() => void this.#look(), this.#parts.limits.diskWatchMs);
    this.#watching.unref();
  }

  /** The database said that its disk is full. */
  becameFull(): void {
    this.#begin('disk full');
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#watching);
    clearTimeout(this.#probing);
  }

  async #look(): Promise<void> {
    this.#freeBytes = await this.#parts.free?.().catch(() => undefined);
    if (this.#freeBytes !== undefined && this.#freeBytes < this.#reserveBytes) this.#begin('disk nearly full');
  }

  get #reserveBytes(): number {
    return this.#parts.limits.diskReserveMiB * MIB;
  }

  #begin(why: ReadOnly): void {
    if (this.#isClosed || this.#readOnly === why || this.#readOnly === 'disk full') return;
    const isNew = this.#readOnly === undefined;
    this.#readOnly = why;
    this.#parts.onChange?.(why, this.#freeBytes);
    if (!isNew) return;
    this.#times++;
    this.#probeAfter(this.#parts.limits.diskProbeMs);
  }

  #probeAfter(ms: number): void {
    if (this.#isClosed) return;
    this.#probing = setTimeout(() => void this.#probe(ms), ms);
    this.#probing.unref();
  }

  async #probe(waitedMs: number): Promise<void> {
    const { limits, probe, onChange } = this.#parts;
    await this.#look();
    const hasReserve = this.#freeBytes === undefined || this.#freeBytes >= this.#reserveBytes * BEYOND;
    const hasRoom =
      hasReserve &&
      (await probe().then(
        () => true,
        () => false,
      ));
    if (!hasRoom) return this.#probeAfter(Math.min(2 * waitedMs, limits.diskProbeMaxMs));
    if (this.#isClosed) return;
    this.#readOnly = undefined;
    onChange?.(undefined, this.#freeBytes);
  }
}
