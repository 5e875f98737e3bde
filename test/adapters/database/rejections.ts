import assert from 'node:assert/strict';
import { DatabaseError, type DatabaseErrorKind } from '../../../adapters/database/database.ts';

/** Waits for the rejection with a DatabaseError of this kind, and returns it. */
export async function rejection(kind: DatabaseErrorKind, work: Promise<unknown>): Promise<DatabaseError> {
  const error = await work.then(
    value => assert.fail(`resolved to ${JSON.stringify(value)} instead of rejecting with ${kind}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DatabaseError, `not a DatabaseError: ${error}`);
  assert.equal(error.kind, kind, error.message);
  return error;
}
