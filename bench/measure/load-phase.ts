/** One subject under load for some seconds: what it did, what it cost, and what the database says of it. */
import type { Load } from '../../test/support/mqtt-load.ts';
import type { LoadReport, Pace } from '../load/load.ts';
import { cpuSeconds, treeCpuSeconds, watchMemory } from './process-usage.ts';

/** How long the last acknowledgements may take after the load ends. */
const DRAIN_TIMEOUT_MS = 30_000;
const MEMORY_LOOK_MS = 200;

export type Processes = { readonly server: number; readonly generator: number; readonly postgres: number | undefined };
export type PhaseFigures = {
  readonly report: LoadReport;
  readonly drained: boolean;
  readonly cpuSeconds: { readonly server: number; readonly generator: number; readonly postgres: number };
  readonly serverRss: { readonly peakBytes: number; readonly meanBytes: number };
};

const used = ({ server, generator, postgres }: Processes) => ({
  server: cpuSeconds(server),
  generator: cpuSeconds(generator),
  postgres: postgres === undefined ? 0 : treeCpuSeconds(postgres),
});

/** Runs one phase from its begin to its last acknowledgement. */
export async function runPhase(
  load: Load,
  processes: Processes,
  pace: Pace,
  baseMs: number,
  seconds: number,
): Promise<PhaseFigures> {
  const before = used(processes);
  const memory = watchMemory(processes.server, MEMORY_LOOK_MS);
  await load.begin({ pace, baseMs });
  await new Promise(resolve => setTimeout(resolve, seconds * 1_000));
  const drained = await load.drain(DRAIN_TIMEOUT_MS);
  const after = used(processes);
  const { peakBytes, meanBytes } = memory.stop();
  return {
    report: await load.report(),
    drained,
    cpuSeconds: {
      server: after.server - before.server,
      generator: after.generator - before.generator,
      postgres: after.postgres - before.postgres,
    },
    serverRss: { peakBytes, meanBytes },
  };
}
