import { DatabaseError, type Transaction } from './database.ts';

/**
 * Runs `work` with a time limit: a transaction holds locks, a connection, and on PGlite everybody else. Rejects with what
 * `work` rejects with, or with a DatabaseError (`timeout`). After the end, whichever it was, `tx` refuses to be used.
 */
export async function limitedTransaction<T>(
  timeoutMs: number,
  query: Transaction['query'],
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  let over: DatabaseError | undefined;
  const expiry = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    over = new DatabaseError('timeout', `The transaction took longer than ${timeoutMs} ms`);
    expiry.reject(over);
  }, timeoutMs);
  const tx: Transaction = {
    query: async (sql, params) => {
      if (over !== undefined) throw over;
      return query(sql, params);
    },
  };
  try {
    return await Promise.race([work(tx), expiry.promise]);
  } finally {
    over ??= new DatabaseError('failed', 'The transaction is over');
    clearTimeout(timer);
  }
}
