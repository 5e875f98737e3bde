/** Keeps telemetry quick to read and to write: rollups of hours that are over, and what its tables need now and then. */
import type { ServiceSchema } from 'moleculer';
import type { Rollups } from '../adapters/database/telemetry/folding.ts';
import { packKeys } from '../adapters/database/telemetry/packing.ts';
import { rollupsOf } from '../adapters/database/telemetry/rollups.ts';
import { keepUp } from '../adapters/database/telemetry/upkeep.ts';
import { implement } from '../contracts/contract.ts';
import { telemetryUpkeep } from '../contracts/telemetry-upkeep.contract.ts';
import { TurnLoop } from '../mixins/turn-loop.ts';
import type { Node } from './node.ts';
import { FoldingDatabase } from './telemetry-upkeep/folding-database.ts';

const KEEP_UP_EVERY_MS = 3_600_000;

export function telemetryUpkeepService({
  config,
  database,
  log,
}: Pick<Node, 'config' | 'database' | 'log'>): ServiceSchema {
  const { limits } = config;
  const folding = new FoldingDatabase({ config, database });
  const open = async () =>
    rollupsOf(await folding.open(), limits, (hour, err) =>
      log.warn({ err, hour }, 'no rollups can be made of an hour of a series'),
    );
  let rollups: Rollups | undefined;
  let isStopped = false;
  const loop = new TurnLoop({
    async turn() {
      rollups ??= await open();
      return rollups.fold(Date.now());
    },
    pollMs: 1_000 * (database.engine === 'timescale' ? limits.rollupRefreshSeconds : limits.rollupPollSeconds),
    onError: err => isStopped || log.warn({ err }, 'could not make rollups of telemetry'),
  });
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<unknown> = Promise.resolve();
  const keep = () =>
    keepUp(database, limits, Date.now()).catch(err =>
      log.warn({ err }, 'could not make what telemetry of the next days needs'),
    );
  const pack = async () => {
    try {
      await packKeys(await folding.open(), Date.now());
    } catch (err) {
      if (!isStopped) log.warn({ err }, 'could not pack the keys of telemetry of days that are over');
    }
  };

  return implement(
    telemetryUpkeep,
    {
      async fold() {
        const own = await open();
        let pieces = 0;
        while (await own.fold(Date.now())) pieces++;
        return pieces;
      },
      keepUp: () => keepUp(database, limits, Date.now()),
    },
    {
      async started() {
        await keep();
        loop.start();
        timer = setInterval(() => {
          underWay = keep().then(pack);
        }, KEEP_UP_EVERY_MS);
      },
      async stopped() {
        isStopped = true;
        clearInterval(timer);
        const end = loop.stop();
        await folding.cancel();
        await end;
        await underWay;
        await folding.close();
      },
    },
  );
}
