/** A run on a disk that becomes full, in a process of its own. */
import { runOnSmallDisk } from '../../support/small-disk.ts';

export type DiskRunOptions = {
  readonly engine: 'pglite' | 'postgres';
  readonly env?: Readonly<Record<string, string>>;
  /** PostgreSQL keeps files for its log, so that it has no room for data first; else it ends for want of a log. */
  readonly logHasRoom?: boolean;
};
export type Answered = { readonly status: number; readonly type: string | null; readonly retryAfter: string | null };
export type DiskReport = {
  /** What health said while the disk was full. */
  readonly full: string;
  /** What a change by REST was answered then, and afterwards. */
  readonly refused: Answered;
  readonly stored: Answered;
  readonly reads: { readonly status: number; readonly readOnly?: string };
  /** After it every message was acknowledged in the end. */
  readonly drained: boolean;
  /** The process ended, although nobody had asked it to. */
  readonly ended: boolean;
  readonly kept: boolean;
  readonly missing: number;
  readonly acknowledged: number;
  readonly told: string;
};

const DISK_MIB = 320;

export const runOnFullDisk = (options: DiskRunOptions): Promise<DiskReport> =>
  runOnSmallDisk<DiskReport>(DISK_MIB, new URL('./disk-run.ts', import.meta.url), [JSON.stringify(options)]);
