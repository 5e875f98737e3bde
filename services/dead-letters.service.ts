/** Messages that could not be stored as what they are: to look at, to try again, to remove. */
import type { Context, ServiceSchema } from 'moleculer';
import { uuidv7 } from 'uuidv7';
import type { Transaction } from '../adapters/database/database.ts';
import { isUuid } from '../contracts/addresses.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { deadLetters } from '../contracts/dead-letters.contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { Ingress } from '../contracts/uplinks.ts';
import { audited } from '../mixins/audit.ts';
import { limitOf, memberOf, nameOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, TIME_UUID_POSITION, UUID_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { maySee } from '../mixins/device-limits.ts';
import { once } from '../mixins/idempotency.ts';
import { readPieces } from '../mixins/pieces.ts';
import { countAll, countsOf } from './dead-letters/counting.ts';
import {
  type Before,
  type DeadLetterRow,
  deadLetterView,
  findDeadLetter,
  isDeadLetterId,
  listDeadLetters,
} from './dead-letters/dead-letter-rows.ts';
import { filterOf, shownFilter } from './dead-letters/matching.ts';
import { OneByOne } from './dead-letters/one-by-one.ts';
import { countMatching, purgeMatching, purgeOne } from './dead-letters/purging.ts';
import {
  cancelReplay,
  findReplay,
  insertReplay,
  listReplays,
  type ReplayRow,
  replayView,
} from './dead-letters/replay-rows.ts';
import { ReplayRunner } from './dead-letters/replay-runner.ts';
import type { Node } from './node.ts';

/** Everything of a dead letter but its payload. */
const ROW_BYTES = 1_000;

type Parts = Pick<Node, 'config' | 'database' | 'log' | 'sealer' | 'instanceId'>;
type OfOne = Context<{ id: string }, Meta>;

export function deadLettersService(
  { config, database, log, sealer, instanceId }: Parts,
  ingress: Ingress,
): ServiceSchema {
  const { limits } = config;
  const { idempotencyKeepHours } = limits;
  const runner = new ReplayRunner({ database, ingress, limits, instanceId, log });
  const oneByOne = new OneByOne(database, ingress, limits.deadLetterClaimSeconds);
  const counted = lately(limits.deadLetterCountSeconds * 1_000, () => countAll(database));

  const find = async (ctx: OfOne): Promise<DeadLetterRow> => {
    const { id } = ctx.params;
    const row = isDeadLetterId(id) ? await findDeadLetter(database, memberOf(ctx).tenantId, id) : undefined;
    if (row === undefined || !(await maySee(database, ctx, row.device_id)))
      throw new SkeinError('not_found', `There is no dead letter "${id.slice(0, 100)}"`);
    return row;
  };
  const findRun = async (ctx: OfOne): Promise<ReplayRow> => {
    const { id } = ctx.params;
    const within = limitOf(ctx);
    const row = isUuid(id) ? await findReplay(database, memberOf(ctx).tenantId, within, id) : undefined;
    if (row === undefined) throw new SkeinError('not_found', `There is no replay "${id.slice(0, 100)}"`);
    return row;
  };

  return implement(
    deadLetters,
    {
      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor, ...asked } = ctx.params;
        const filter = filterOf(asked);
        const matching = { ...filter, within: limitOf(ctx) };
        const list = ['dead-letters', tenantId, filter];
        const size = pageSize(limit, limits);
        const first = positionOf<Before>(list, cursor, TIME_UUID_POSITION);
        const place = (row: DeadLetterRow): Before => [row.us, row.dead_letter_id];
        const found = await readPieces<DeadLetterRow>(database, limits, size, {
          rowMaxBytes: limits.messageMaxBytes + ROW_BYTES,
          bytesOf: row => row.payload.length + ROW_BYTES,
          read: async (last, most) => ({
            rows: await listDeadLetters(database, tenantId, matching, last === undefined ? first : place(last), most),
          }),
        });
        return pageOf(list, found.rows, found.size, deadLetterView, place);
      },

      async get(ctx) {
        return deadLetterView(await find(ctx));
      },

      counts: ctx => countsOf(database, memberOf(ctx).tenantId, limitOf(ctx)),

      async replay(ctx) {
        const { tenant, tenantId } = memberOf(ctx);
        return oneByOne.replay(tenant, tenantId, await find(ctx));
      },

      async replayMany(ctx) {
        const caller = memberOf(ctx);
        const { tenantId } = caller;
        const filter = filterOf(ctx.params);
        const run = {
          ...{ id: uuidv7(), tenantId, filter, within: limitOf(ctx) },
          ...{ requestedBy: nameOf(caller), maxLetters: limits.deadLetterReplayMaxLetters },
        };
        const make = async (tx: Transaction) => {
          const view = replayView(await insertReplay(tx, run));
          await audited(tx, ctx, 'dead-letters.replayed', `replay ${run.id}`, {
            filter: view.filter,
            total: view.total,
          });
          return view;
        };
        const view =
          ctx.meta.idempotency === undefined
            ? await database.transaction(make)
            : await once({ database, sealer, idempotencyKeepHours }, ctx, ['dead-letters.replay', ctx.params], make);
        runner.wake();
        return view;
      },

      async getReplay(ctx) {
        return replayView(await findRun(ctx));
      },

      async listReplays(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor } = ctx.params;
        const list = ['dead-letters.replays', tenantId];
        const size = pageSize(limit, limits);
        const [before] = positionOf<[string]>(list, cursor, UUID_POSITION) ?? [];
        const rows = await listReplays(database, tenantId, limitOf(ctx), before, size + 1);
        return pageOf(list, rows, size, replayView, row => [row.replay_id]);
      },

      async cancelReplay(ctx) {
        const { replay_id: id } = await findRun(ctx);
        await database.transaction(async tx => {
          if (await cancelReplay(tx, memberOf(ctx).tenantId, id))
            await audited(tx, ctx, 'dead-letters.replay-cancelled', `replay ${id}`);
        });
        return replayView(await findRun(ctx));
      },

      async purge(ctx) {
        const { tenantId } = memberOf(ctx);
        const { dead_letter_id: id, device_id: device, reason } = await find(ctx);
        const purged = await database.transaction(async tx => {
          const isGone = await purgeOne(tx, tenantId, id);
          if (isGone) await audited(tx, ctx, 'dead-letter.purged', `dead letter ${id}`, { device, reason });
          return isGone;
        });
        return { id, purged };
      },

      async purgeMany(ctx) {
        const { tenantId } = memberOf(ctx);
        const { dryRun = false, ...asked } = ctx.params;
        const filter = filterOf(asked);
        const matching = { ...filter, within: limitOf(ctx) };
        const most = limits.deadLetterPurgeMaxLetters;
        if (dryRun) {
          const found = await countMatching(database, tenantId, matching, most + 1);
          return { count: Math.min(found, most), dryRun, more: found > most };
        }
        const count = await database.transaction(async tx => {
          const gone = await purgeMatching(tx, tenantId, matching, most);
          if (gone > 0)
            await audited(tx, ctx, 'dead-letters.purged', null, { filter: shownFilter(filter), count: gone });
          return gone;
        });
        const more = count === most && (await countMatching(database, tenantId, matching, 1)) > 0;
        return { count, dryRun, more };
      },

      figures: () => counted(),
    },
    {
      ...databaseErrors,
      started: () => runner.start(),
      stopped: () => runner.stop(),
    },
  );
}

/** All who ask within this time get what the first of them got. */
function lately<T>(keepMs: number, work: () => Promise<T>): () => Promise<T> {
  let latest: { readonly atMs: number; readonly result: Promise<T> } | undefined;
  return () => {
    const nowMs = performance.now();
    if (latest !== undefined && nowMs - latest.atMs <= keepMs) return latest.result;
    const result = work();
    latest = { atMs: nowMs, result };
    // What failed is no answer for those who ask later.
    result.catch(() => {
      latest = undefined;
    });
    return result;
  };
}
