/** What a caller asks for, checked as far as it can be without knowing the device. */
import { createHash } from 'node:crypto';
import { type CommandMode, PRIORITIES, type Priority } from '../../contracts/commands.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { JsonObject } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';
import { canonicalJson } from '../../mixins/canonical-json.ts';
import { commandNameOf, parametersOf, supersedesOf } from '../../mixins/command-orders.ts';
import type { StoredCommand } from './command-reading.ts';

export type CommandRequest = {
  readonly deviceId: string;
  readonly command: string;
  readonly parameters: JsonObject;
  readonly supersedes: string | null;
  readonly resendOf: string | null;
  /** Null: as the type of the device says, or as is usual. */
  readonly mode: CommandMode | null;
  readonly priority: Priority | null;
  readonly ttlMs: number | null;
  readonly deadlineMs: number | null;
};

type Given = {
  readonly deviceId: string;
  readonly command: string;
  readonly parameters?: JsonObject;
  readonly mode?: CommandMode;
  readonly priority?: Priority;
  readonly ttlMs?: number;
  readonly deadline?: string;
  readonly supersedes?: string;
};

/** Throws `invalid_request` or `too_large`. The time is not looked at: a request that was taken is taken again, however late. */
export function requestOf(given: Given, limits: Limits): CommandRequest {
  const { deviceId, command, ttlMs, deadline } = given;
  if ((ttlMs ?? null) !== null && (deadline ?? null) !== null)
    throw new SkeinError('invalid_request', 'There is a ttlMs and a deadline, and only one may be');
  return {
    deviceId,
    command: commandNameOf(command),
    parameters: parametersOf(given.parameters, limits),
    supersedes: supersedesOf(given.supersedes),
    resendOf: null,
    mode: given.mode ?? null,
    priority: given.priority ?? null,
    ttlMs: ttlMs ?? null,
    deadlineMs: deadlineOf(deadline),
  };
}

/** The same again, for as long as it was tried then unless told otherwise. */
export const requestAgain = (command: StoredCommand, ttlMs: number | undefined): CommandRequest => ({
  deviceId: command.deviceId,
  command: command.name,
  parameters: JSON.parse(command.parametersJson),
  supersedes: command.supersedes,
  resendOf: command.id,
  mode: command.mode,
  priority: PRIORITIES[command.priority]!,
  ttlMs: ttlMs ?? command.deadlineMs - command.createdAtMs,
  deadlineMs: null,
});

/** The same for the same request, in whatever order its names are: what is stored of it beside its idempotency key. */
export const hashOf = (request: CommandRequest): string =>
  createHash('sha256').update(canonicalJson(request)).digest('base64url');

/** ISO 8601 with a zone: without one nobody knows which moment it means. */
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i;

function deadlineOf(text: string | undefined): number | null {
  if ((text ?? null) === null) return null;
  const ms = MOMENT.test(text!) ? Date.parse(text!) : Number.NaN;
  if (Number.isNaN(ms))
    throw new SkeinError('invalid_request', 'deadline must be ISO 8601 with a zone, like 2030-01-31T12:00:00Z');
  return ms;
}
