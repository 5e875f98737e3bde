/**
 * Runs on a small disk: the embedded database has no room for its log, which ends it. It must come back by itself when there is room, with
 * all that it had acknowledged. Writes what it saw as JSON.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseError } from '../../../adapters/database/database.ts';
import { openPglite } from '../../../adapters/database/pglite/open-pglite.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { Filler } from './filler.ts';

export type FullLogReport = {
  readonly endedByIt: boolean;
  readonly whileFull: string;
  readonly acknowledged: number;
  readonly stored: number;
  readonly afterwards: number;
  readonly fatal: number;
};

let fatal = 0;
const folder = join(tmpdir(), 'pglite');
// Without the floor, which makes this rare.
const database = await openPglite(folder, { ...LIMITS, diskFloorMiB: 0 }, () => fatal++);
const lane = database.lane('a');
await database.script(`CREATE TABLE counter (n int, filler text) WITH (fillfactor = 40);
  INSERT INTO counter SELECT 0, repeat('x', 500) FROM generate_series(1, 1000)`);
const filler = new Filler(tmpdir());
filler.fill();

/** Each writes a few hundred kilobytes of log, and no new page of the table. */
let acknowledged = 0;
let error: unknown;
for (let i = 0; i < 1_000 && error === undefined; i++) {
  await lane.commit([{ kind: 'query', sql: 'UPDATE counter SET n = n + 1' }]).then(
    () => acknowledged++,
    reason => {
      error = reason;
    },
  );
}
const endedByIt = error instanceof DatabaseError && error.kind === 'outcome_unknown';
const whileFull = await database.query('SELECT 1').then(
  () => 'read',
  (reason: DatabaseError) => reason.kind,
);
await filler.empty();
let stored: number | undefined;
while (stored === undefined) {
  stored = await database.query<{ n: number }>('SELECT max(n) AS n FROM counter').then(
    rows => rows[0]!.n,
    () => undefined,
  );
  if (stored === undefined) await new Promise(resolve => setTimeout(resolve, 50));
}
await lane.commit([{ kind: 'query', sql: 'UPDATE counter SET n = n + 1' }]);
const [after] = await database.query<{ n: number }>('SELECT min(n) AS n FROM counter');
await database.close();
const report: FullLogReport = { endedByIt, whileFull, acknowledged, stored, afterwards: after!.n, fatal };
process.stdout.write(`${JSON.stringify(report)}\n`);
