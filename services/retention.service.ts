import type { Service, ServiceSchema } from 'moleculer';
import { call, implement } from '../contracts/contract.ts';
import { retention } from '../contracts/retention.contract.ts';
import type { Node } from './node.ts';

const EVERY_MS = 10 * 60_000;
/** Rows of one statement: a large backlog goes in pieces, so that it holds no lock for long. */
const PIECE_ROWS = 10_000;

/** Removes what is kept for a limited time only. */
export function retentionService({ config, database, log }: Pick<Node, 'config' | 'database' | 'log'>): ServiceSchema {
  const { messageIdKeepHours, deadLetterKeepDays, idempotencyKeepHours } = config.limits;
  const kept = [
    { table: 'message_receipt', column: 'received_at', hours: messageIdKeepHours },
    { table: 'dead_letter', column: 'received_at', hours: deadLetterKeepDays * 24 },
    { table: 'idempotency_key', column: 'created_at', hours: idempotencyKeepHours },
  ];
  let timer: NodeJS.Timeout | undefined;

  const remove = async (table: string, column: string, hours: number): Promise<number> => {
    let removed = 0;
    for (;;) {
      const rows = await database.query(
        `DELETE FROM ${table} WHERE ctid IN
           (SELECT ctid FROM ${table} WHERE ${column} < now() - $1::int4 * interval '1 hour' LIMIT $2::int4) RETURNING 1 AS gone`,
        [hours, PIECE_ROWS],
      );
      removed += rows.length;
      if (rows.length < PIECE_ROWS) return removed;
    }
  };

  return implement(
    retention,
    {
      async sweep() {
        const removed: Record<string, number> = {};
        for (const { table, column, hours } of kept) removed[table] = await remove(table, column, hours);
        return removed;
      },
    },
    {
      started(this: Service) {
        const sweep = () =>
          call(this.broker, retention.sweep, {}).catch(err => log.warn({ err }, 'could not remove what is too old'));
        timer = setInterval(sweep, EVERY_MS);
      },
      stopped() {
        clearInterval(timer);
      },
    },
  );
}
