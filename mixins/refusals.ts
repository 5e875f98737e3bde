/** What a device's actor refuses, as errors of the table. */
import { type ErrorType, SkeinError } from '../contracts/errors.ts';
import type { CommandRefusal } from '../contracts/requests.ts';
import type { DesiredRefusal } from '../contracts/twins.ts';

type Refused = CommandRefusal | DesiredRefusal;

const MEANING: Record<Refused, ErrorType> = {
  too_many_open: 'too_many_commands',
  lifecycle_conflict: 'lifecycle_conflict',
  idempotency_key_reused: 'idempotency_key_reused',
  not_open: 'command_ended',
  deadline_passed: 'invalid_request',
  invalid_patch: 'invalid_request',
  too_large: 'too_large',
  stale_version: 'stale_version',
};

export const refusalOf = (
  { error, detail }: { error: Refused; detail: string },
  data?: Record<string, unknown>,
): SkeinError => new SkeinError(MEANING[error], detail, data);
