/** Messages that could not be stored as what they are: to look at, and to try again. */
import type { Context, ServiceSchema } from 'moleculer';
import { implement, type Meta } from '../contracts/contract.ts';
import { deadLetters } from '../contracts/dead-letters.contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { Ingress, Outcome } from '../contracts/uplinks.ts';
import { limitOf, memberOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, TIME_UUID_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { maySee } from '../mixins/device-limits.ts';
import { readPieces } from '../mixins/pieces.ts';
import {
  type Before,
  type DeadLetterRow,
  deadLetterView,
  findDeadLetter,
  isDeadLetterId,
  listDeadLetters,
  markReplayed,
  uplinkAgain,
} from './dead-letters/dead-letter-rows.ts';
import type { Node } from './node.ts';

/** Everything of a dead letter but its payload. */
const ROW_BYTES = 1_000;

type Replayed = { id: string; state: string; reason: string | null };

export function deadLettersService(
  { config, database }: Pick<Node, 'config' | 'database'>,
  ingress: Ingress,
): ServiceSchema {
  const { limits } = config;
  const find = async (ctx: Context<{ id: string }, Meta>): Promise<DeadLetterRow> => {
    const { id } = ctx.params;
    const row = isDeadLetterId(id) ? await findDeadLetter(database, memberOf(ctx).tenantId, id) : undefined;
    if (row === undefined || !(await maySee(database, ctx, row.device_id)))
      throw new SkeinError('not_found', `There is no dead letter "${id.slice(0, 100)}"`);
    return row;
  };

  /** Who asks twice at once, or after it was stored, must not have it stored twice: a reading without a time is new each time. */
  const underWay = new Map<string, Promise<Replayed>>();
  const again = async (tenant: string, tenantId: number, row: DeadLetterRow): Promise<Replayed> => {
    const id = row.dead_letter_id;
    if (row.replayed_at !== null) return { id, state: 'duplicate', reason: null };
    if (row.reason === 'packet_too_large')
      throw new SkeinError('invalid_request', 'It was too large to be kept, so there is nothing to try again');
    const outcome = await new Promise<Outcome>(resolve =>
      ingress.receive(uplinkAgain(tenant, row, Date.now()), resolve),
    );
    switch (outcome.state) {
      case 'stored':
      case 'duplicate':
        await markReplayed(database, tenantId, id);
        return { id, state: outcome.state, reason: null };
      case 'rejected':
        return { id, state: outcome.state, reason: outcome.reason };
      case 'overloaded':
        throw new SkeinError('overloaded', 'It was not tried; try it again later');
      default:
        throw new SkeinError('unknown_outcome', 'It is not known whether it was stored');
    }
  };

  return implement(
    deadLetters,
    {
      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor, deviceId, reason } = ctx.params;
        const filter = { deviceId, reason, within: limitOf(ctx) };
        const list = ['dead-letters', tenantId, deviceId, reason];
        const size = pageSize(limit, limits);
        const first = positionOf<Before>(list, cursor, TIME_UUID_POSITION);
        const place = (row: DeadLetterRow): Before => [row.us, row.dead_letter_id];
        const found = await readPieces<DeadLetterRow>(database, limits, size, {
          rowMaxBytes: limits.messageMaxBytes + ROW_BYTES,
          bytesOf: row => row.payload.length + ROW_BYTES,
          read: async (last, most) => ({
            rows: await listDeadLetters(database, tenantId, filter, last === undefined ? first : place(last), most),
          }),
        });
        return pageOf(list, found.rows, found.size, deadLetterView, place);
      },

      async get(ctx) {
        return deadLetterView(await find(ctx));
      },

      async replay(ctx) {
        const { tenant, tenantId } = memberOf(ctx);
        const row = await find(ctx);
        const id = row.dead_letter_id;
        const replaying = underWay.get(id) ?? again(tenant, tenantId, row).finally(() => underWay.delete(id));
        underWay.set(id, replaying);
        return replaying;
      },
    },
    databaseErrors,
  );
}
