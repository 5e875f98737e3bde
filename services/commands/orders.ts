/** Makes the order of a request: what the request leaves open comes from the type of the device, or is as usual. */
import { uuidv7 } from 'uuidv7';
import type { MemberPrincipal } from '../../contracts/access.contract.ts';
import { type CommandOrder, type CommandRecord, isOpen } from '../../contracts/commands.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { CommandProgress } from '../../contracts/requests.ts';
import { nameOf } from '../../mixins/callers.ts';
import * as orders from '../../mixins/command-orders.ts';
import type { CommandDefinition } from '../../mixins/type-commands.ts';
import type { CommandRequest } from './command-requests.ts';

export type Idempotent = { readonly key: string; readonly hash: string };

/** Throws `invalid_request` when its time is over, or too far away. */
export function orderOf(
  request: CommandRequest,
  definition: CommandDefinition,
  caller: MemberPrincipal,
  idempotent: Idempotent | undefined,
  limits: Limits,
): CommandOrder {
  const createdAtMs = Date.now();
  const { deviceId, command, parameters, mode, priority, supersedes, resendOf } = request;
  const ttlMs = ttlOf(request, createdAtMs, limits);
  const wish = {
    command,
    parameters,
    ...(mode && { mode }),
    ...(priority && { priority }),
    ...(supersedes !== null && { supersedes }),
    ...(ttlMs !== null && { ttlMs }),
  };
  const facts = {
    id: uuidv7(),
    tenant: caller.tenant,
    device: deviceId,
    createdAtMs,
    jobId: null,
    requestedBy: nameOf(caller),
  };
  return {
    ...orders.orderOf(wish, definition, facts, limits),
    idempotencyKey: idempotent?.key ?? null,
    requestHash: idempotent?.hash ?? null,
    resendOf,
  };
}

/** Null: the request does not say. */
function ttlOf(request: CommandRequest, nowMs: number, limits: Limits): number | null {
  const longestMs = limits.commandTtlMaxSeconds * 1000;
  const name = request.deadlineMs === null ? 'ttlMs' : 'deadline';
  const ttlMs = request.deadlineMs === null ? request.ttlMs : request.deadlineMs - nowMs;
  if (ttlMs === null) return null;
  if (ttlMs <= 0)
    throw new SkeinError('invalid_request', name === 'ttlMs' ? 'ttlMs must be at least 1' : 'deadline has passed');
  if (ttlMs > longestMs)
    throw new SkeinError('invalid_request', `${name} is more than ${limits.commandTtlMaxSeconds} seconds away`);
  return ttlMs;
}

/** How far it is by now. */
export const withProgress = <C extends CommandOrder>(order: C, progress: CommandProgress): C & CommandRecord => ({
  ...order,
  state: progress.state,
  attempt: progress.attempt,
  transitions: progress.transitions,
  endedAtMs: isOpen(progress.state) ? null : (progress.transitions.at(-1)?.atMs ?? null),
});
