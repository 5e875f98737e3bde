/**
 * Turns what the database port rejects with into errors of the table, for every action of a service. What is a defect of
 * ours is logged here, where it happened, and told to the caller as `internal` without any text of the database.
 */
import type { Service, ServiceSchema } from 'moleculer';
import type { DatabaseErrorKind, DatabaseError as Failure } from '../adapters/database/database.ts';
import { type ErrorType, SkeinError } from '../contracts/errors.ts';

const MEANING: Record<DatabaseErrorKind, readonly [ErrorType, string]> = {
  unavailable: ['unavailable', 'The database is not available'],
  full: ['storage_full', 'The database has no room to store this'],
  timeout: ['unavailable', 'The database took too long'],
  outcome_unknown: ['unknown_outcome', 'The connection to the database broke while it was storing this'],
  refused: ['invalid_request', 'The content can not be stored'],
  duplicate_key: ['conflict', 'It exists already'],
  expectation_failed: ['internal', 'An unexpected error'],
  failed: ['internal', 'An unexpected error'],
};

export const isDatabaseError = (error: unknown): error is Failure =>
  error instanceof Error && error.name === 'DatabaseError' && 'kind' in error;

/** The error of the table for an error of the database; anything else as it is. */
export function spoken(error: unknown): unknown {
  if (!isDatabaseError(error)) return error;
  const [type, detail] = MEANING[error.kind];
  return new SkeinError(type, detail);
}

export const databaseErrors: Partial<ServiceSchema> = {
  hooks: {
    error: {
      '*'(this: Service, _ctx: unknown, error: Error) {
        const told = spoken(error);
        if (told !== error && (told as SkeinError).type === 'internal')
          this.logger.error('A database statement failed', error);
        throw told;
      },
    },
  },
};
