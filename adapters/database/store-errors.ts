import { StoreError, type StoreErrorKind } from '../../contracts/store.ts';
import { DatabaseError, type DatabaseErrorKind } from './database.ts';

const KINDS: Record<DatabaseErrorKind, StoreErrorKind> = {
  unavailable: 'unavailable',
  outcome_unknown: 'outcome_unknown',
  duplicate_key: 'duplicate_key',
  refused: 'refused',
  // The only expectation of a lane is its fence.
  expectation_failed: 'fenced',
  // Held back until there is room, or its sender gives up.
  full: 'unavailable',
  timeout: 'unavailable',
  failed: 'unavailable',
};

/** Rejects with the StoreError that says the same as a DatabaseError; anything else is a defect and stays what it is. */
export function rethrowAsStoreError(error: unknown): never {
  if (error instanceof DatabaseError) throw new StoreError(KINDS[error.kind], error.message, error);
  throw error;
}
