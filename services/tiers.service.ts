/** Moves telemetry through its tiers, as policies say and holds allow: rows, files, nothing. Rollups have a time of their own. */
import type { ServiceSchema } from 'moleculer';
import { implement } from '../contracts/contract.ts';
import { tiers } from '../contracts/tiers.contract.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import type { Node } from './node.ts';
import { TierRunner } from './tiers/tier-runner.ts';

export function tiersService({
  config,
  database,
  archive,
  log,
  instanceId,
}: Pick<Node, 'config' | 'database' | 'archive' | 'log' | 'instanceId'>): ServiceSchema {
  const runner = new TierRunner({ database, files: archive.files, limits: config.limits, log, instanceId });
  return implement(
    tiers,
    { sweep: () => runner.sweep() },
    { ...databaseErrors, started: () => runner.start(), stopped: () => runner.stop() },
  );
}
