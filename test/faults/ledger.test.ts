/**
 * Twelve kills on each engine. The moments follow from the seed that is printed, and from how fast the machine is; longer runs:
 * npm run test:faults.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { runFaults } from './fault-run.ts';

const KILLS = 12;
/** Each kill loses hundreds of messages that were promised ahead of their commit. */
const KILLS_TO_BE_FOUND_OUT = 3;
const seed = Number(process.env.SKEIN_TEST_SEED ?? randomInt(1_000_000));

for (const engine of ['pglite', 'postgres'] as const) {
  test(`whatever is killed, an acknowledged message is stored, and stored once (${engine})`, async t => {
    t.diagnostic(`SKEIN_TEST_SEED=${seed}`);
    const report = await runFaults({ engine, kills: KILLS, seed });
    const { findings, deadLetters, drained, serverKills, databaseKills, ownEnds } = report;
    t.diagnostic(`${serverKills} kills of the server, ${databaseKills} of the database; ${findings}`);
    assert.ok(findings.kept, String(findings));
    assert.deepEqual(deadLetters, {});
    assert.ok(drained, 'after the last kill every message was acknowledged in the end');
    assert.equal(ownEnds, 0, 'the server lives through the death of its database');
    assert.ok(serverKills + databaseKills >= KILLS);
    assert.equal(databaseKills > 0, engine === 'postgres');
    assert.ok(findings.acknowledged > KILLS, 'there was something to lose');
  });

  test(`a server that acknowledges before the commit is found out (${engine})`, async t => {
    t.diagnostic(`SKEIN_TEST_SEED=${seed}`);
    const env = { SKEIN_UNSAFE_ACKNOWLEDGE_BEFORE_COMMIT: 'yes' };
    const { findings } = await runFaults({ engine, kills: KILLS_TO_BE_FOUND_OUT, seed, env });
    assert.notEqual(findings.missing.count, 0, String(findings));
  });
}
