/** Everything that can happen to a cluster, on one screen. */
import type { Scenario } from '../scenario.ts';
import { cutNats } from './cut-nats.scenario.ts';
import { cutPostgres } from './cut-postgres.scenario.ts';
import { duplicateNode } from './duplicate-node.scenario.ts';
import { joinNode } from './join-node.scenario.ts';
import { killNode } from './kill-node.scenario.ts';
import { leaveNode } from './leave-node.scenario.ts';
import { pauseNode } from './pause-node.scenario.ts';
import { restartNats } from './restart-nats.scenario.ts';
import { restartNode } from './restart-node.scenario.ts';
import { restartPostgres } from './restart-postgres.scenario.ts';
import { rollingRestart } from './rolling-restart.scenario.ts';

export const SCENARIOS: readonly Scenario[] = [
  killNode,
  restartNode,
  pauseNode,
  leaveNode,
  rollingRestart,
  joinNode,
  duplicateNode,
  cutNats,
  cutPostgres,
  restartNats,
  restartPostgres,
];
