/** Every way in which a disk can be full, on both engines, and the control that acknowledges too early. */
import { canMount } from '../../support/small-disk.ts';
import { type DiskRunOptions, runOnFullDisk } from './on-full-disk.ts';

const UNSAFE = { SKEIN_UNSAFE_ACKNOWLEDGE_BEFORE_COMMIT: 'yes' };
/** So that the embedded database itself finds that there is no room. */
const NO_FLOOR = { SKEIN_LIMIT_DISK_FLOOR_MI_B: '1', SKEIN_LIMIT_DISK_RESERVE_MI_B: '1' };

const RUNS: readonly (DiskRunOptions & { readonly what: string; readonly loses?: true })[] = [
  { what: 'PGlite', engine: 'pglite' },
  { what: 'PGlite that is not kept from writing', engine: 'pglite', env: NO_FLOOR },
  { what: 'PostgreSQL without room for data', engine: 'postgres', logHasRoom: true },
  { what: 'PostgreSQL without room for its log', engine: 'postgres' },
  { what: 'PGlite, acknowledged before the commit', engine: 'pglite', env: UNSAFE, loses: true },
  {
    what: 'PostgreSQL, acknowledged before the commit',
    engine: 'postgres',
    logHasRoom: true,
    env: UNSAFE,
    loses: true,
  },
];

/** Sets the exit code. */
export async function runDisks(): Promise<void> {
  if (!canMount()) throw new Error('It takes root, or user namespaces (unshare), to mount a small disk');
  for (const { what, loses = false, ...options } of RUNS) {
    const report = await runOnFullDisk(options);
    console.log(what, report);
    const isRight = report.kept !== loses && report.drained && !report.ended;
    console.log(isRight ? (loses ? 'Found out, as it must be.' : 'Every promise was kept.') : 'NOT AS IT MUST BE.');
    if (!isRight) process.exitCode = 1;
  }
}
