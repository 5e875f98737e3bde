/**
 * A process that writes to PGlite and says what is stored, one number a line. `honest` says a number when its commit was
 * answered. `hasty` says it before: with it the test of durability must fail.
 */
import { openPglite } from '../../../adapters/database/pglite/open-pglite.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { copyRows, int8 } from './copy-rows.ts';

const [folder, mode] = process.argv.slice(2);
const database = await openPglite(folder!, LIMITS);
await database.script('CREATE TABLE IF NOT EXISTS written (n int8 PRIMARY KEY)');
const lanes = [database.lane('0'), database.lane('1')];
const say = (n: number) => new Promise(resolve => process.stdout.write(`${n}\n`, resolve));

let last = 0;
await Promise.all(
  lanes.map(async lane => {
    for (;;) {
      const n = ++last;
      if (mode === 'hasty') await say(n);
      await lane.commit([{ kind: 'copy', table: 'written', columns: ['n'], data: copyRows([[int8(n)]]) }]);
      if (mode === 'honest') await say(n);
    }
  }),
);
