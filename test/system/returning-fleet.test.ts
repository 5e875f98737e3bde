/** Devices that were away come back at once to commands that wait for them. The rate is counted by the times that are stored. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { measureReturn, type ReturnFigures } from '../../bench/commands/returns/return-run.ts';
import { startOne, startSeveral } from '../../bench/commands/returns/return-system.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

const PACE = 50;
const FLEET = { devices: 40, commands: 5, connectMs: 0, processes: 1 };

let postgres: PostgresServer;
before(async () => {
  postgres = await startPostgres({ withSchema: true });
});
after(() => postgres?.stop());

async function comeBack(perSecond: number, nodes = 1): Promise<ReturnFigures> {
  const env = { SKEIN_LIMIT_COMMANDS_PER_SECOND: String(perSecond) };
  const system = nodes === 1 ? await startOne(postgres, env) : await startSeveral(nodes, postgres, env);
  try {
    return await measureReturn(system, FLEET);
  } finally {
    await system.stop();
  }
}

function assertAllInOrder({ arrivals, stored }: ReturnFigures): void {
  assert.deepEqual(stored.states, { succeeded: FLEET.devices * FLEET.commands });
  assert.equal(arrivals.commands, FLEET.devices * FLEET.commands);
  assert.deepEqual(arrivals.disorders, []);
}

test('a fleet that comes back gets its commands in order, and no faster than the pace', async () => {
  const figures = await comeBack(PACE);
  assertAllInOrder(figures);
  assert.ok(figures.mostSentInASecond <= PACE, `${figures.mostSentInASecond} were sent in a second`);
});

test('several nodes keep the pace together', async () => {
  const figures = await comeBack(PACE, 2);
  assertAllInOrder(figures);
  assert.ok(figures.mostSentInASecond <= PACE, `${figures.mostSentInASecond} were sent in a second`);
});

test('with a pace beyond all that there is, more are sent in a second, and in order all the same', async () => {
  const figures = await comeBack(100_000);
  assertAllInOrder(figures);
  assert.ok(figures.mostSentInASecond > PACE, `only ${figures.mostSentInASecond} were sent in a second`);
});
