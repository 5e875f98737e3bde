import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../scenario.ts';

const AWAY_MS = { from: 0, to: 15_000 };

/** The bus dies and comes back. */
export const restartNats: Scenario = {
  name: 'restart-nats',
  async run({ cluster, chance, log }) {
    const awayMs = chance.between(AWAY_MS.from, AWAY_MS.to);
    log(`SIGKILL for NATS, away for ${awayMs} ms`);
    await cluster.nats!.kill('SIGKILL');
    await sleep(awayMs);
    await cluster.nats!.restart();
  },
};
