import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../scenario.ts';

const AWAY_MS = { from: 0, to: 15_000 };

/** The database crashes (SIGKILL) or is shut down (SIGINT), and comes back. */
export const restartPostgres: Scenario = {
  name: 'restart-postgres',
  async run({ cluster, chance, log }) {
    const awayMs = chance.between(AWAY_MS.from, AWAY_MS.to);
    const signal = chance.pick(['SIGKILL', 'SIGINT'] as const);
    log(`${signal} for PostgreSQL, away for ${awayMs} ms`);
    await cluster.postgres.kill(signal);
    await sleep(awayMs);
    await cluster.postgres.restart();
  },
};
