import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { JsonObject } from './json.ts';

export const IMPORT_FORMATS = ['csv', 'ndjson'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];
export const IMPORT_STATES = ['running', 'completed', 'cancelled'] as const;
export type ImportState = (typeof IMPORT_STATES)[number];
export const LINE_STATES = ['pending', 'created', 'refused'] as const;
export type LineState = (typeof LINE_STATES)[number];

export type ImportView = {
  id: string;
  format: ImportFormat;
  state: ImportState;
  /** Nothing is made: `created` are those that would have been. */
  dryRun: boolean;
  total: number;
  created: number;
  refused: number;
  pending: number;
  donePercent: number;
  requestedBy: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  endedAt: string | null;
};
export type ImportLineView = {
  /** Where it begins in the file, from 1. */
  line: number;
  deviceId: string | null;
  state: LineState;
  /** Of a refused one: an error of the table, and a sentence for people. */
  reason: string | null;
  detail: string | null;
};
export type ImportCredential = { line: number; deviceId: string; name: string | null; apiKey: string };

/** A line as it was read: of CSV the cells by their columns, of NDJSON the object; or why it could not be read. */
export type ReadLine = {
  readonly line: number;
  readonly record?: JsonObject;
  readonly fault?: string;
};

const id = { id: 'string' } as const;
const page = { limit: 'number|optional|integer', cursor: 'string|optional' } as const;
const provisioners = { needs: 'devices:provision' } as const;

/** Many devices from one file. It comes in pieces, because no message between nodes is as large as a file: `open`, `add`, ..., `start`. */
export const imports = contract('imports', {
  open: action(
    {
      format: { type: 'enum', values: IMPORT_FORMATS },
      dryRun: 'boolean',
      columns: { type: 'array', optional: true, max: 200, items: 'string' },
    },
    provisioners,
  ).returns<{ id: string }>(),
  add: action({ ...id, lines: typed<ReadLine[]>({ type: 'array', max: 1_000 }) }, provisioners).returns<void>(),
  /** What was sent is worthless. */
  discard: action(id, provisioners).returns<void>(),
  /** Everything was sent. `sha256` of the file, in hex: the same file with the same Idempotency-Key is one import. */
  start: action({ ...id, sha256: 'string|length:64' }, provisioners).returns<ImportView>(),

  /** Newest first. */
  list: action({ ...page, state: { type: 'enum', values: IMPORT_STATES, optional: true } }, provisioners).returns<
    Page<ImportView>
  >(),
  get: action(id, provisioners).returns<ImportView>(),
  /** In the order of the file. */
  lines: action({ ...id, ...page, state: { type: 'enum', values: LINE_STATES, optional: true } }, provisioners).returns<
    Page<ImportLineView>
  >(),
  /** The keys of the new devices, as long as they are kept. `format` of the answer; without it that of the file. */
  credentials: action(
    { ...id, ...page, format: { type: 'enum', values: IMPORT_FORMATS, optional: true } },
    provisioners,
  ).returns<Page<ImportCredential> & { format: ImportFormat }>(),
  /** Nobody can read them any more. */
  forgetCredentials: action(id, provisioners).returns<{ forgotten: number }>(),
  /** What is pending stays undone. Again, or when it has ended: the import as it is. */
  cancel: action(id, provisioners).returns<ImportView>(),
});
