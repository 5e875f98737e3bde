/** From what a database or a socket says to a DatabaseErrorKind. */
import { DatabaseError, type DatabaseErrorKind } from '../database.ts';

/** What PostgreSQL says in an ErrorResponse (https://www.postgresql.org/docs/15/protocol-error-fields.html). */
export type ServerError = {
  readonly message: string;
  readonly code?: string | undefined;
  readonly severity?: string | undefined;
  readonly constraint?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
};

const DUPLICATE_KEY = '23505';
/** No room in a file of a table, of an index, or for the log. */
const DISK_FULL = '53100';
/** What the system says of it, in whatever the database says when it ends of it. */
const NO_SPACE = /No space left on device|ENOSPC/;
/** The server ended a session that was idle inside a transaction: it was undone, whatever we sent since. */
const IDLE_IN_TRANSACTION = '25P03';
const TIMEOUTS = new Set(['57014', '55P03', '25P04']);
/** Connection exceptions (but for a message of ours that is wrong), shutdown, crash, starting up, too many connections. */
const UNAVAILABLE = /^(08(?!P01)|57P0[1235]|53300|25P03)/;

export const isServerError = (error: unknown): error is ServerError & Error =>
  error instanceof Error && /^[0-9A-Z]{5}$/.test(String((error as { code?: unknown }).code)) && 'severity' in error;

/** FATAL and PANIC end the session: the transaction it had may or may not have been committed, if that was asked. */
export const endsSession = (error: ServerError): boolean => error.severity === 'FATAL' || error.severity === 'PANIC';

/**
 * `commitSent`: whether what failed may have been committed already. Then a broken connection leaves the outcome unknown,
 * while an ordinary error of the server still says that nothing was stored.
 */
export function toDatabaseError(error: unknown, commitSent: boolean, where?: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const more = { cause: error, ...(where === undefined ? {} : { where }) };
  if (!isServerError(error)) {
    return commitSent
      ? new DatabaseError('outcome_unknown', 'The connection to the database broke after the commit was sent', more)
      : new DatabaseError('unavailable', `No connection to the database: ${reasonOf(error)}`, more);
  }
  const unknown = commitSent && endsSession(error) && error.code !== IDLE_IN_TRANSACTION;
  const place = error.constraint ?? where ?? error.table;
  return new DatabaseError(unknown ? 'outcome_unknown' : kindOf(error), error.message, {
    cause: error,
    ...(error.code === undefined ? {} : { code: error.code }),
    ...(place === undefined ? {} : { where: place }),
  });
}

function kindOf(error: ServerError): DatabaseErrorKind {
  const code = error.code ?? '';
  if (code === DUPLICATE_KEY) return 'duplicate_key';
  if (/^2[23]/.test(code)) return 'refused';
  if (code === DISK_FULL) return 'full';
  if (TIMEOUTS.has(code)) return 'timeout';
  if (UNAVAILABLE.test(code) || endsSession(error)) return 'unavailable';
  return 'failed';
}

/** Whether an error is about a full disk, whatever it says of what was asked. */
export function isAboutFullDisk(error: unknown): boolean {
  if (error instanceof DatabaseError)
    return error.kind === 'full' || error.code === DISK_FULL || isAboutFullDisk(error.cause);
  return error instanceof Error && NO_SPACE.test(error.message);
}

/** An AggregateError (several addresses tried) has no message of its own. */
function reasonOf(error: unknown): string {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: Error[] };
  return message || errors?.[0]?.message || code || 'unknown reason';
}

/**
 * A prepared statement that is of no more use: its tables changed, or the session has forgotten it. The statements must be
 * prepared again.
 */
export const isStaleStatement = (error: unknown): boolean =>
  ['0A000', '26000'].includes((error as { code?: string }).code ?? '');

/** A statement that only reads stored nothing, however it ended. Functions with effects are not called that way here. */
export const onlyReads = (sql: string): boolean => /^\s*(select|show|explain|values)\b/i.test(sql);

/** Whether a statement is for a database that has no room. `WITH` begins both kinds. */
export const mayWrite = (sql: string): boolean =>
  !onlyReads(sql) && !(/^\s*with\b/i.test(sql) && !/\b(insert|update|delete|merge)\b/i.test(sql));
