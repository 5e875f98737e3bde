/**
 * Eight kills on each engine. The moments follow from the seed that is printed, and from how fast the machine is; longer runs:
 * npm run test:faults -- commands.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import type { Times } from './command-orders.ts';
import { runCommands } from './command-run.ts';
import type { Fleet } from './command-traffic.ts';

const KILLS = 8;
/** Little enough that the last deadline is not waited for longer than the rest takes. */
const TIMES: Times = { shortTtlMs: { from: 2_000, to: 5_000 }, longTtlMs: 12_000 };
const FLEET: Fleet = { library: { processes: 2, devices: 3 }, plain: { processes: 1, devices: 2 }, absent: 1 };
const seed = Number(process.env.SKEIN_TEST_SEED ?? randomInt(1_000_000));

for (const engine of ['pglite', 'postgres'] as const)
  test(`whatever is killed, a command is carried out once or its end is not known, and twins change once for each change (${engine})`, async t => {
    t.diagnostic(`SKEIN_TEST_SEED=${seed}`);
    const report = await runCommands({ engine, kills: KILLS, seed, times: TIMES, fleet: FLEET });
    const { findings, kills, problems, twinChanges } = report;
    t.diagnostic(`${JSON.stringify(kills)}; ${findings}; ${twinChanges} changes of twins`);
    assert.ok(findings.kept, String(findings));
    assert.deepEqual(problems, []);
    assert.ok(findings.executions > KILLS, 'there was something to carry out twice');
    assert.ok(twinChanges > KILLS, 'there was something to lose');
  });

/** Each finds devices at work, whose commands come again with the next connection; a few make it certain. */
const KILLS_TO_BE_FOUND_OUT = 8;

test('devices that remember no command are found out', async t => {
  t.diagnostic(`SKEIN_TEST_SEED=${seed}`);
  const control = { times: TIMES, fleet: FLEET, forgets: true, whom: ['server'], commandsPerSecond: 60 } as const;
  const { findings } = await runCommands({ engine: 'postgres', kills: KILLS_TO_BE_FOUND_OUT, seed, ...control });
  t.diagnostic(String(findings));
  assert.notEqual(findings.broken.doubled.count, 0, String(findings));
});
