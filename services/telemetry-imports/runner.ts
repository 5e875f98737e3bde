/** Gives the imports of history of all tenants their turns, one after the other, on each node that has this service. */
import type { Logger } from 'pino';
import { HistoryWriter } from '../../adapters/database/telemetry/history.ts';
import { ParquetError } from '../../adapters/parquet/parquet-error.ts';
import { BlobError } from '../../contracts/blobs.ts';
import { appendAudit } from '../../mixins/audit.ts';
import { isDatabaseError } from '../../mixins/database-errors.ts';
import { TurnLoop } from '../../mixins/turn-loop.ts';
import { removeNext } from './cleaning.ts';
import { COLUMNS, endImport, type ImportRow, summaryOf } from './import-rows.ts';
import { FileError } from './lines.ts';
import { Turn, type TurnParts } from './turn.ts';

type Parts = Omit<TurnParts, 'writer' | 'isStopped'> & { readonly log: Logger };

/** After something failed that may work again. */
const AGAIN_SECONDS = 5;

export class HistoryRunner extends TurnLoop {
  readonly #parts: Parts;
  #writer: HistoryWriter | undefined;
  #isStopped = false;

  constructor(parts: Parts) {
    super({
      turn: () => this.#turn(),
      pollMs: parts.limits.jobPollMs,
      onError: err => parts.log.warn({ err }, 'an import of history could not have its turn'),
    });
    this.#parts = parts;
  }

  override start(): void {
    this.#writer = new HistoryWriter(this.#parts.database, this.#parts.limits);
    super.start();
  }

  /** Resolves when the piece under way has ended. */
  override async stop(): Promise<void> {
    this.#isStopped = true;
    await super.stop();
    await this.#writer?.close();
  }

  /** False: none was due. */
  async #turn(): Promise<boolean> {
    const { database } = this.#parts;
    // Nothing would be stored.
    if (database.room?.readOnly !== undefined) return false;
    const row = await this.#claim();
    if (row === undefined) return removeNext(this.#parts);
    if (row.tries > this.#parts.limits.historyTriesMax)
      return this.#end(row, 'It failed again and again at the same place');
    try {
      const turn = new Turn({ ...this.#parts, writer: this.#writer!, isStopped: () => this.#isStopped }, row);
      if ((await turn.take()) === 'end') await this.#end(row);
      else await this.#release(row, 0, 0);
      return true;
    } catch (error) {
      const failure = failureOf(error);
      if (failure !== undefined) return this.#end(row, failure);
      // What is away for a while is not the fault of the file.
      await this.#release(row, AGAIN_SECONDS, isPassing(error) ? 1 : 0);
      throw error;
    }
  }

  async #claim(): Promise<ImportRow | undefined> {
    const { database, limits } = this.#parts;
    const [row] = await database.query<ImportRow>(
      `UPDATE telemetry_import SET due_at = now() + make_interval(secs => $1::int), tries = tries + 1
       WHERE import_id = (SELECT import_id FROM telemetry_import WHERE state = 'running' AND due_at <= now()
                          ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING ${COLUMNS}`,
      [limits.historyLeaseSeconds],
    );
    return row;
  }

  async #release({ import_id }: ImportRow, afterSeconds: number, triesLess: number): Promise<void> {
    await this.#parts.database.query(
      `UPDATE telemetry_import SET due_at = clock_timestamp() + make_interval(secs => $2::int), tries = greatest(0, tries - $3::int)
       WHERE import_id = $1 AND state = 'running'`,
      [import_id, afterSeconds, triesLess],
    );
  }

  async #end(row: ImportRow, failure: string | null = null): Promise<boolean> {
    await this.#parts.database.transaction(async tx => {
      const ended = await endImport(tx, row, failure === null ? 'completed' : 'failed', failure);
      if (ended === undefined) return;
      await appendAudit(tx, {
        tenantId: ended.tenant_id,
        actor: ended.requested_by,
        act: 'telemetry-import.ended',
        target: `telemetry import ${ended.import_id}`,
        address: null,
        result: 'done',
        data: summaryOf(ended),
      });
    });
    return true;
  }
}

/** What will be so however often it is tried; undefined: anything else. */
function failureOf(error: unknown): string | undefined {
  if (error instanceof ParquetError || error instanceof FileError) return error.message;
  if (error instanceof BlobError && error.kind === 'not_found') return 'The file is not there any more';
  if (isDatabaseError(error) && error.kind === 'refused') return 'The database refuses what the file says';
  return undefined;
}

const isPassing = (error: unknown): boolean =>
  error instanceof BlobError ? error.kind !== 'failed' : isDatabaseError(error) && error.kind !== 'failed';
