/**
 * Three nodes under load, a fourth that joins, and what happens to them in ordinary days. The moments follow from the seed that is
 * printed, and from how fast the machine is. Longer runs, with all scenarios: npm run test:cluster.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chance } from '../faults/random.ts';
import { startClusterRun } from './cluster-run.ts';
import { brokenPromises, printScenarios } from './reports.ts';
import type { Scenario } from './scenario.ts';
import { joinNode } from './scenarios/join-node.scenario.ts';
import { killNode } from './scenarios/kill-node.scenario.ts';
import { leaveNode } from './scenarios/leave-node.scenario.ts';
import { restartNats } from './scenarios/restart-nats.scenario.ts';

const seed = Number(process.env.SKEIN_TEST_SEED ?? randomInt(1_000_000));

test('whatever happens to one of several nodes, an acknowledged message is stored, in order and by the owner of its shard, and a command carried out once', async t => {
  t.diagnostic(`SKEIN_TEST_SEED=${seed}`);
  const run = await startClusterRun({ chance: chance(seed), log: line => t.diagnostic(line) });
  t.after(() => run.end());
  for (const scenario of [killNode, restartNats, leaveNode, joinNode]) await run.strike(scenario);
  const report = await run.finish();
  printScenarios(report.scenarios);
  const { findings, down } = report;
  t.diagnostic(`${findings}; ${down.commands}; ${down.twins.changes} changes of twins`);
  assert.deepEqual(brokenPromises(report), []);
  assert.ok(findings.acknowledged > 1_000, 'there was something to lose');
  assert.ok(down.commands.executions > 100, 'there was something to carry out twice');
  assert.ok(down.twins.changes > 100);
});

/** Long enough for messages to be on their way to a database that does not take them. */
const SILENT_DATABASE_MS = 1_000;

test('nodes that acknowledge before the commit are found out', async t => {
  t.diagnostic(`SKEIN_TEST_SEED=${seed}`);
  const env = { SKEIN_UNSAFE_ACKNOWLEDGE_BEFORE_COMMIT: 'yes' };
  const run = await startClusterRun({ chance: chance(seed), nodes: 2, env });
  t.after(() => run.end());
  const loseWhatIsUnderWay: Scenario = {
    name: 'lose-what-is-under-way',
    async run({ cluster }) {
      const node = cluster.nodes[0]!;
      node.cutFrom('database');
      await sleep(SILENT_DATABASE_MS);
      await node.kill();
      await node.heal('database');
    },
  };
  await run.strike(loseWhatIsUnderWay);
  const { findings } = await run.finish();
  assert.notEqual(findings.missing.count, 0, String(findings));
});
