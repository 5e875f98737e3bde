import { action, contract } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { DeadLetterReason } from './uplinks.ts';

export const HISTORY_FORMATS = ['csv', 'ndjson', 'parquet'] as const;
export type HistoryFormat = (typeof HISTORY_FORMATS)[number];
/** Of CSV: one value in each line, or a column for each measurement. */
export const HISTORY_FORMS = ['long', 'wide'] as const;
export type HistoryForm = (typeof HISTORY_FORMS)[number];
export const HISTORY_STATES = ['running', 'completed', 'failed', 'cancelled'] as const;
export type HistoryState = (typeof HISTORY_STATES)[number];
/** What is wrong with a line: what makes a message a dead letter, or that it can't be read at all. */
export type LineReason = DeadLetterReason | 'invalid_line';

export type HistoryImportView = {
  id: string;
  format: HistoryFormat;
  form: HistoryForm;
  state: HistoryState;
  /** Nothing is stored: `stored` are the datapoints that would have been tried. */
  dryRun: boolean;
  /** Of the file, without compression. */
  bytes: number;
  /** How much of the file was read; null: not known, as of Parquet until it has ended. */
  donePercent: number | null;
  /** Lines (of Parquet: rows) that were read, and those of them that were refused. */
  lines: number;
  refused: number;
  /** Refused lines by their reason. */
  reasons: { [reason in LineReason]?: number };
  /** Refused lines that the report has: the first ones. */
  reported: number;
  /** Datapoints that are stored now, and those of them that the type of the device flags; and those that were there before. */
  stored: number;
  flagged: number;
  duplicates: number;
  /** Why the whole of it failed. */
  failure: string | null;
  requestedBy: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  endedAt: string | null;
};
export type RefusedLineView = { line: number; deviceId: string | null; reason: LineReason; detail: string | null };

/** Of the store of blobs. */
export const historyFileKey = (id: string): string => `imports/${id}`;

const id = { id: 'string' } as const;
const page = { limit: 'number|optional|integer', cursor: 'string|optional' } as const;
const importers = { needs: 'telemetry:import', of: 'devices' } as const;

/** Telemetry of former times from one file. Whoever takes the file calls `open`, stores it as `historyFileKey`, and then calls `start`. */
export const telemetryImports = contract('telemetry-imports', {
  open: action(
    {
      format: { type: 'enum', values: HISTORY_FORMATS },
      form: { type: 'enum', values: HISTORY_FORMS },
      dryRun: 'boolean',
    },
    importers,
  ).returns<{ id: string }>(),
  /** What was sent is worthless. */
  discard: action(id, importers).returns<void>(),
  /** The file is complete. `sha256` of it, in hex: the same file with the same Idempotency-Key is one import. */
  start: action({ ...id, bytes: 'number|integer', sha256: 'string|length:64' }, importers).returns<HistoryImportView>(),

  /** Newest first. */
  list: action({ ...page, state: { type: 'enum', values: HISTORY_STATES, optional: true } }, importers).returns<
    Page<HistoryImportView>
  >(),
  get: action(id, importers).returns<HistoryImportView>(),
  /** Refused lines, in the order of the file. `format` is for whoever answers with it. */
  report: action(
    { ...id, ...page, format: { type: 'enum', values: ['json', 'ndjson'], optional: true } },
    importers,
  ).returns<Page<RefusedLineView> & { format: 'json' | 'ndjson' }>(),
  /** What was not read yet stays unread; what is stored stays stored. Again, or when it has ended: the import as it is. */
  cancel: action(id, importers).returns<HistoryImportView>(),
  /** With its file and its report. What it stored stays stored. One that has not ended is cancelled first. */
  remove: action(id, importers).returns<HistoryImportView>(),
});
