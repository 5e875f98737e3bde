/** Gives the exports of all tenants their turns, one after the other, on each node that has this service. */
import type { Logger } from 'pino';
import type { Transaction } from '../../adapters/database/database.ts';
import { ParquetError } from '../../adapters/parquet/parquet-error.ts';
import { BlobError } from '../../contracts/blobs.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { ExportFault, ExportState } from '../../contracts/exports.contract.ts';
import { appendAudit } from '../../mixins/audit.ts';
import { isDatabaseError } from '../../mixins/database-errors.ts';
import { keepingLease } from '../../mixins/kept-lease.ts';
import { TurnLoop } from '../../mixins/turn-loop.ts';
import { takeDueSchedule } from './due-schedules.ts';
import { folderOf, type NewPart, type WritingParts, writeEnd, writePart } from './parts.ts';
import { countSeries } from './series.ts';
import {
  endRemoval,
  endTurn,
  keepExport,
  noteSeries,
  partsOf,
  type TakenExport,
  type Taker,
  type TurnEnd,
  takeExport,
} from './turns.ts';

export type RunnerParts = WritingParts & Taker & { readonly log: Logger };

export class ExportRunner extends TurnLoop {
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    super({
      turn: () => this.#turn(),
      pollMs: parts.limits.exportPollMs,
      onError: err => parts.log.warn({ err }, 'an export could not have its turn'),
    });
    this.#parts = parts;
  }

  /** False: neither a schedule nor an export was due. */
  async #turn(): Promise<boolean> {
    const hadSchedule = await takeDueSchedule(this.#parts.database, this.#parts.limits);
    const job = await takeExport(this.#parts, this.#parts.limits.exportLeaseSeconds);
    if (job === undefined) return hadSchedule;
    await this.#keeping(job, () => (job.state === 'running' && !job.is_gone ? this.#write(job) : this.#clean(job)));
    return true;
  }

  async #write(job: TakenExport): Promise<void> {
    let part: NewPart | undefined;
    let end: TurnEnd;
    try {
      end = await this.#written(job);
      part = end.kind === 'written' ? end.written.part : undefined;
    } catch (error) {
      end = this.#endOf(job, error);
    }
    const told = (tx: Transaction, state: ExportState) => audit(tx, job, state);
    const result = await endTurn(this.#parts, job, end, told);
    if (result === 'lost' && part !== undefined) await this.#parts.blobs.remove(part.key);
    if (result === 'stored' && end.kind === 'written' && end.isComplete) await this.#removeStrays(job);
  }

  async #written(job: TakenExport): Promise<TurnEnd> {
    const { limits } = this.#parts;
    const { request, tenant_id: tenantId, within } = job;
    const keepDays = limits.exportKeepDays;
    if (job.parts === 0)
      await noteSeries(
        this.#parts,
        job.export_id,
        await countSeries(this.#parts.database, { tenantId, request, within }),
      );
    const isMade = job.place?.us === null && job.place.device === Number.MAX_SAFE_INTEGER;
    if (isMade) {
      const part = await writeEnd(this.#parts, job, await partsOf(this.#parts, job.export_id));
      const written = { part, rows: 0, seriesDone: 0, seriesShare: 0, place: job.place, isAtEnd: true };
      return { kind: 'written', written, isComplete: true, keepDays };
    }
    const written = await writePart(this.#parts, job);
    const [rows, bytes] = [job.rows + written.rows, job.bytes + (written.part?.bytes ?? 0)];
    if (rows > limits.exportMaxRows) throw tooLarge(`It has more than ${limits.exportMaxRows} rows`);
    if (bytes > limits.exportMaxBytes) throw tooLarge(`Its file has more than ${limits.exportMaxBytes} bytes`);
    if (!written.isAtEnd || request.format !== 'parquet')
      return { kind: 'written', written, isComplete: written.isAtEnd, keepDays };
    // Its end takes a turn of its own, when all other parts are stored.
    return { kind: 'written', written: { ...written, place: AT_END }, isComplete: false, keepDays };
  }

  #endOf(job: TakenExport, error: unknown): TurnEnd {
    const { limits, log } = this.#parts;
    const keepDays = limits.exportKeepDays;
    const fault = faultOf(error);
    const mustEnd = fault.isFinal || job.failures + 1 >= limits.exportAttempts;
    if (!mustEnd) {
      log.warn({ err: error, export: job.export_id }, 'a turn of an export failed, and is tried again');
      return { kind: 'again', pauseMs: limits.exportRetryMs };
    }
    if (!fault.isFinal) log.error({ err: error, export: job.export_id }, 'an export has failed');
    return { kind: 'failed', reason: fault.reason, detail: fault.detail, keepDays };
  }

  /** Of an export that is over in one way or another. */
  async #clean(job: TakenExport): Promise<void> {
    await this.#removeBlobs(job, new Set());
    await endRemoval(this.#parts, job);
  }

  /** What turns have left behind whose nodes died, or had lost the export. */
  async #removeStrays(job: TakenExport): Promise<void> {
    const own = await partsOf(this.#parts, job.export_id);
    await this.#removeBlobs(job, new Set(own.map(it => it.key)));
  }

  async #removeBlobs({ export_id }: TakenExport, kept: ReadonlySet<string>): Promise<void> {
    const { blobs } = this.#parts;
    const keys: string[] = [];
    for await (const { key } of blobs.list(folderOf(export_id))) if (!kept.has(key)) keys.push(key);
    for (const key of keys) await blobs.remove(key);
  }

  #keeping<T>(job: TakenExport, work: () => Promise<T>): Promise<T> {
    const { limits, log } = this.#parts;
    const { exportLeaseSeconds: leaseSeconds } = limits;
    return keepingLease(
      {
        leaseSeconds,
        renew: () => keepExport(this.#parts, job.export_id, leaseSeconds),
        onError: err => log.warn({ err, export: job.export_id }, 'could not prolong the lease of an export'),
      },
      work,
    );
  }
}

/** Behind all series. */
const AT_END = { device: Number.MAX_SAFE_INTEGER, measurement: 0, us: null } as const;

const tooLarge = (detail: string): SkeinError =>
  new SkeinError('too_large', `${detail}: ask for a shorter range, or for fewer devices`);

type Fault = { readonly reason: ExportFault; readonly detail: string; readonly isFinal: boolean };
const AGAIN: Readonly<Record<string, Fault>> = {
  full: { reason: 'storage_full', detail: 'There was no room for the file', isFinal: false },
  unavailable: { reason: 'unavailable', detail: 'The database or the store of files did not answer', isFinal: false },
  timeout: { reason: 'unavailable', detail: 'The database took too long', isFinal: false },
};

/** In words of ours. */
function faultOf(error: unknown): Fault {
  if (error instanceof SkeinError && (error.type === 'too_large' || error.type === 'too_many_readings'))
    return { reason: error.type, detail: error.message, isFinal: true };
  if (error instanceof ParquetError && error.kind === 'too_large')
    return { reason: 'too_large', detail: 'It has too many rows for one Parquet file', isFinal: true };
  const kind = error instanceof BlobError || isDatabaseError(error) ? error.kind : 'failed';
  return (
    AGAIN[kind] ?? {
      reason: 'internal',
      detail: 'Something went wrong inside; the operator finds it by the id of the export',
      isFinal: false,
    }
  );
}

const audit = (tx: Transaction, job: TakenExport, state: ExportState): Promise<void> =>
  appendAudit(tx, {
    tenantId: job.tenant_id,
    actor: job.requested_by,
    act: 'export.ended',
    target: `export ${job.export_id}`,
    address: null,
    result: 'done',
    data: { state },
  });
