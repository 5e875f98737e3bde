/** How much the generator can send when nothing stands behind the server: a figure near this one is the generator's own. */

import { startLoad } from '../../test/support/mqtt-load.ts';
import { portIn, startServerProcess } from '../../test/support/server-process.ts';
import { runPhase } from './load-phase.ts';

export type Headroom = { readonly messagesPerSecond: number; readonly generatorCores: number };

/** @param connections, window as in the measurement that this is for */
export async function measureHeadroom(connections: number, window: number): Promise<Headroom> {
  const sink = await startServerProcess({
    nodeArguments: ['bench/load/sink.ts'],
    env: {},
    readyWhen: output => portIn(output, 'mqtt'),
    readyTimeoutMs: 10_000,
  });
  const devices = Array.from({ length: connections }, (_, i) => {
    const deviceId = `d${i + 1}`;
    return { deviceId, username: deviceId, password: 'none', payload: 'timestamp' as const };
  });
  const load = await startLoad({ port: sink.ready, devices, window });
  try {
    const processes = { server: sink.pid, generator: load.pid, postgres: undefined };
    await runPhase(load, processes, { kind: 'closed' }, Date.now(), 1);
    const { report, cpuSeconds } = await runPhase(load, processes, { kind: 'closed' }, Date.now(), 3);
    return {
      messagesPerSecond: report.acknowledged / report.activeSeconds,
      generatorCores: cpuSeconds.generator / report.activeSeconds,
    };
  } finally {
    await load.stop();
    await sink.stop();
  }
}
