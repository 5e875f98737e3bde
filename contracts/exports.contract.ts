import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import { NAME, PAGING } from './resource-fields.ts';
import { AGGREGATES, type Aggregate } from './telemetry.contract.ts';

export const EXPORT_STATES = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type ExportState = (typeof EXPORT_STATES)[number];
export const EXPORT_FORMATS = ['csv', 'ndjson', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
/** What of the past an export of a schedule covers: the one that had ended when it was due. */
export const COVERED = ['previous hour', 'previous day', 'previous week', 'previous month'] as const;
export type Covered = (typeof COVERED)[number];

/** Why an export has failed. */
export const EXPORT_FAULTS = ['too_large', 'too_many_readings', 'storage_full', 'unavailable', 'internal'] as const;
export type ExportFault = (typeof EXPORT_FAULTS)[number];

/** What an export has in it. */
export type ExportRequest = {
  /** At most one of these; without any, all devices that its maker may see. */
  deviceIds?: string[];
  group?: string;
  deviceType?: string;
  tag?: string;
  /** Absent: all. */
  measurements?: string[];
  format: ExportFormat;
  compression?: 'gzip';
  /** Buckets in the place of readings. */
  interval?: string;
  aggregate?: Aggregate[];
  /** Of buckets of days and longer. Absent: UTC. */
  timezone?: string;
  /** CSV: texts that a spreadsheet would take for a formula begin with an apostrophe. */
  escapeFormulas?: boolean;
};

export type ExportView = ExportRequest & {
  id: string;
  state: ExportState;
  /** ISO 8601, UTC: `from` included, `to` not. */
  from: string;
  to: string;
  /** `share`: 0 to 1, by the series that are done; it says nothing of how long the rest takes. */
  progress: { rows: number; share: number };
  /** Of the file so far. */
  bytes: number;
  /** Why it has failed. */
  reason: ExportFault | null;
  detail: string | null;
  /** The schedule that made it, and for which of its times. */
  scheduleId: string | null;
  dueTime: string | null;
  requestedBy: string;
  createdAt: string;
  endedAt: string | null;
  /** When it is removed, with its file. Null until it has ended. */
  expiresAt: string | null;
};

/** What lists show: of devices that were named one by one only how many there are. */
type Listed<V extends ExportRequest> = Omit<V, 'deviceIds'> & { deviceIds?: number };
export type ExportSummary = Listed<ExportView>;

export type ExportScheduleView = ExportRequest & {
  id: string;
  name: string;
  cron: string;
  timezone: string;
  window: Covered;
  paused: boolean;
  /** Null: while it is paused, and for a pattern that comes to no time any more. */
  nextAt: string | null;
  lastDueTime: string | null;
  lastExportId: string | null;
  requestedBy: string;
  createdAt: string;
};

export type ExportScheduleSummary = Listed<ExportScheduleView>;

/** A piece of the file. `content` is base64: it travels through the bus. */
export type ExportFile = {
  name: string;
  contentType: string;
  etag: string;
  /** Of the whole file. */
  totalBytes: number;
  /** What is answered: from `start` on, before `end`. */
  start: number;
  end: number;
  isPart: boolean;
  content: string;
  /** Where the next piece begins; null: this was the last one. */
  nextStart: number | null;
};

const selection = {
  deviceIds: { type: 'array', optional: true, min: 1, items: 'string|min:1' },
  group: { ...NAME, optional: true },
  deviceType: { ...NAME, optional: true },
  tag: { ...NAME, optional: true },
  measurements: { type: 'array', optional: true, min: 1, items: 'string|min:1|max:200' },
  format: { type: 'enum', values: EXPORT_FORMATS },
  compression: { type: 'enum', values: ['gzip'], optional: true },
  interval: 'string|optional|max:20',
  aggregate: typed<Aggregate[] | undefined>({
    type: 'array',
    optional: true,
    min: 1,
    max: AGGREGATES.length,
    items: { type: 'enum', values: AGGREGATES },
  }),
  timezone: 'string|optional|max:64',
  escapeFormulas: 'boolean|optional',
} as const;

/** Files of telemetry, made in the background. Who may see some devices only makes and sees exports of those. */
export const telemetryExports = contract('exports', {
  /** `from` and `to` are milliseconds since 1970. Rejects with `too_large`, `too_many_buckets` and `quota_exceeded`. */
  create: action(
    { ...selection, from: 'number', to: 'number' },
    { needs: 'exports:write', of: 'devices' },
  ).returns<ExportView>(),
  /** The newest first. */
  list: action(
    { ...PAGING, state: { type: 'enum', values: EXPORT_STATES, optional: true }, scheduleId: 'string|optional' },
    { needs: 'exports:read', of: 'devices' },
  ).returns<Page<ExportSummary>>(),
  get: action({ id: 'string' }, { needs: 'exports:read', of: 'devices' }).returns<ExportView>(),
  /** What has ended stays as it is. */
  cancel: action({ id: 'string' }, { needs: 'exports:write', of: 'devices' }).returns<ExportView>(),
  /** With its file. Answers what it was. */
  remove: action({ id: 'string' }, { needs: 'exports:write', of: 'devices' }).returns<ExportView>(),
  /**
   * The first piece of the file, or of what `range` (the header of HTTP) asks for; `start` and `end` ask for the pieces behind it. Rejects with
   * `export_not_ready` and `range_not_satisfiable`.
   */
  file: action(
    {
      id: 'string',
      range: 'string|optional',
      ifRange: 'string|optional',
      start: 'number|optional|integer|min:0',
      end: 'number|optional|integer|min:0',
    },
    { needs: 'exports:read', of: 'devices' },
  ).returns<ExportFile>(),
  /** Exports at the times that a pattern of cron names. Rejects with `conflict` when there is one with this name. */
  createSchedule: action(
    { ...selection, name: NAME, cron: 'string|min:1|max:100', window: { type: 'enum', values: COVERED } },
    { needs: 'exports:write', of: 'devices' },
  ).returns<ExportScheduleView>(),
  /** By name. */
  schedules: action(PAGING, { needs: 'exports:read', of: 'devices' }).returns<Page<ExportScheduleSummary>>(),
  schedule: action({ id: 'string' }, { needs: 'exports:read', of: 'devices' }).returns<ExportScheduleView>(),
  pauseSchedule: action({ id: 'string' }, { needs: 'exports:write', of: 'devices' }).returns<ExportScheduleView>(),
  /** Goes on with the next time; those of the pause are left out. */
  resumeSchedule: action({ id: 'string' }, { needs: 'exports:write', of: 'devices' }).returns<ExportScheduleView>(),
  /** Its exports stay. Answers what it was. */
  removeSchedule: action({ id: 'string' }, { needs: 'exports:write', of: 'devices' }).returns<ExportScheduleView>(),
});
