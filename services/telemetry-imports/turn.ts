/**
 * The turn of an import: pieces of its file become datapoints, each in one transaction that also stores how far it is. A node that dies, or hangs
 * for longer than its lease, leaves it at the last stored piece; of two nodes that do the same piece only one stores it.
 */
import { setImmediate } from 'node:timers/promises';
import { type Database, DatabaseError } from '../../adapters/database/database.ts';
import type { HistoryPiece, HistoryWriter } from '../../adapters/database/telemetry/history.ts';
import type { BlobStore } from '../../contracts/blobs.ts';
import type { Limits } from '../../contracts/limits.ts';
import { type Checked, checkLines } from './checking.ts';
import type { ImportRow } from './import-rows.ts';
import { KnownDevices } from './known-devices.ts';
import type { Source } from './lines.ts';
import { PieceSize } from './piece-size.ts';
import { sourceOf } from './sources.ts';

export type TurnParts = {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly writer: HistoryWriter;
  readonly limits: Limits;
  /** The process is stopping. */
  readonly isStopped: () => boolean;
};
/** `more`: its time is over, or it is not this node's any more. */
export type TurnEnd = 'more' | 'end';

/** Lines that are checked in one go: some milliseconds. */
const SLICE_LINES = 1_000;
/** A piece that fails so often in a row leaves it to a later turn. */
const ATTEMPTS = 5;
type Prepared = { readonly piece: HistoryPiece; readonly isEnd: boolean; readonly size: number };
type Counts = Pick<ImportRow, 'pieces' | 'lines' | 'refused' | 'flagged' | 'reported' | 'reasons' | 'place'>;

export class Turn {
  readonly #parts: TurnParts;
  readonly #row: ImportRow;
  readonly #source: Source;
  readonly #known: KnownDevices;
  readonly #size: PieceSize;

  constructor(parts: TurnParts, row: ImportRow) {
    const { database, blobs, limits } = parts;
    this.#parts = parts;
    this.#row = row;
    this.#source = sourceOf(blobs, row, { limits, nowMs: Date.now() });
    const within = row.within === null ? null : JSON.stringify(row.within);
    this.#known = new KnownDevices(database, { tenantId: row.tenant_id, within }, limits);
    this.#size = new PieceSize(this.#source.sizes, limits.historyPieceDatapoints);
  }

  /** Rejects with what reading or storing rejects with; what was stored until then counts. */
  async take(): Promise<TurnEnd> {
    try {
      return await this.#pieces();
    } finally {
      await this.#source.close();
    }
  }

  /** While one piece is being stored, the next one is made ready. */
  async #pieces(): Promise<TurnEnd> {
    const { limits, isStopped } = this.#parts;
    const untilMs = performance.now() + limits.historyTurnSeconds * 1_000;
    let counts: Counts = this.#row;
    let prepared = await this.#prepare(counts);
    for (let failed = 0; ; ) {
      const isLast = prepared.isEnd || isStopped() || performance.now() > untilMs;
      const after = countsAfter(counts, prepared);
      const storing = this.#store(prepared);
      const next = isLast ? undefined : this.#prepare(after);
      // Whether it is needed is known when this one is stored.
      next?.catch(() => {});
      try {
        await storing;
        failed = 0;
      } catch (error) {
        await next?.catch(() => {});
        if (!mayTryAgain(error) || ++failed >= ATTEMPTS) throw error;
        this.#size.tooLarge();
        this.#known.forget();
        prepared = await this.#prepare(counts);
        continue;
      }
      if (prepared.isEnd) return 'end';
      if (next === undefined) return 'more';
      counts = after;
      prepared = await next;
    }
  }

  async #store({ piece, size }: Prepared): Promise<void> {
    const startedMs = performance.now();
    await this.#parts.writer.write(piece);
    this.#size.took(performance.now() - startedMs, size, piece.points.length);
  }

  async #prepare(counts: Counts): Promise<Prepared> {
    const { limits } = this.#parts;
    const size = this.#size.next;
    const { lines, place, isEnd } = await this.#source.read(counts.place, size);
    await this.#known.learn(lines.flatMap(({ content }) => ('refusal' in content ? [] : content.device)));
    const checked: Checked = { points: [], refusals: [], flagged: 0 };
    const reckoning = { limits, nowMs: Date.now() };
    for (let at = 0; at < lines.length; at += SLICE_LINES) {
      checkLines(lines.slice(at, at + SLICE_LINES), this.#known, reckoning, checked);
      await setImmediate();
    }
    const { points, refusals, flagged } = checked;
    const shown = refusals.slice(0, Math.max(0, limits.historyReportMaxLines - counts.reported));
    const reasons: Record<string, number> = { ...counts.reasons };
    for (const { reason } of refusals) reasons[reason] = (reasons[reason] ?? 0) + 1;
    const progress = {
      ...{ place, reasons, lines: counts.lines + lines.length, refused: counts.refused + refusals.length },
      ...{ flagged: counts.flagged + flagged, reported: counts.reported + shown.length },
    };
    const { import_id: importId, tenant_id: tenantId, dry_run: isDryRun } = this.#row;
    const piece = { importId, tenantId, isDryRun, pieces: counts.pieces, points, refusals: shown, progress };
    return { piece, isEnd, size };
  }
}

const countsAfter = ({ pieces }: Counts, { piece: { progress } }: Prepared): Counts => ({
  ...progress,
  pieces: pieces + 1,
});

/** Somebody held what it needs, or a device has changed. When the import has ended, or is another node's, it fails again. */
const mayTryAgain = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.kind === 'timeout' || error.kind === 'expectation_failed');
