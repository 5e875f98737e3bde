/** What applications ask of devices in a simulated world, and how those devices take it. */
import type { CommandMode } from '../../contracts/commands.ts';
import type { JsonObject } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Chance } from './chance.ts';

export type CommandRequest = {
  readonly kind: 'command';
  readonly number: number;
  readonly atMs: number;
  readonly device: number;
  readonly mode: CommandMode;
  /** The place in `PRIORITIES`. */
  readonly priority: number;
  readonly ttlMs: number;
  readonly supersedes: string | null;
  /** Its idempotency key: it is asked for again and again until the answer is clear. */
  readonly key: string | null;
  /** The same order, with its id, is handed over again until the answer is clear. */
  readonly isJob: boolean;
};

export type RequestPlan =
  | CommandRequest
  /** `of`: the number of the command. */
  | { readonly kind: 'cancel'; readonly number: number; readonly atMs: number; readonly of: number }
  | {
      readonly kind: 'desired';
      readonly number: number;
      readonly atMs: number;
      readonly device: number;
      readonly patch: JsonObject;
      /** Only if `desired` has that version still; `stale`: one that it had before. */
      readonly version: 'any' | 'current' | 'stale';
    };

export type TakingPlan = {
  /**
   * `library`: knows by their ids what it began, over restarts too, and reports what is desired. `plain`: does whatever comes, and
   * reports nothing of it.
   */
  readonly kind: 'library' | 'plain';
  /** How many commands it may have at once; null: as usual. */
  readonly window: number | null;
  readonly workMs: number;
  /** How often a command makes it restart. */
  readonly crashes: number;
  /** It says first that it has accepted a command. */
  readonly accepts: boolean;
  /** It ends its subscription now and then. */
  readonly wavers: boolean;
  readonly reports: number;
};

const BEGIN_MS = 500;
const END_MS = 16_000;

export function takingOf(chance: Chance): TakingPlan | null {
  if (chance.happens(0.15)) return null;
  return {
    kind: chance.pick(['library', 'library', 'plain']),
    window: chance.pick([null, null, 1, 2, 4]),
    workMs: chance.pick([0, 50, 400, 1_500]),
    crashes: chance.pick([0, 0, 0.1, 0.4]),
    accepts: chance.happens(0.3),
    wavers: chance.happens(0.2),
    reports: chance.pick([0, 2, 6]),
  };
}

/** Small ones, so that retries happen and limits are reached. */
export function limitsOfRequests(chance: Chance): Partial<Limits> {
  const commandRetryMs = chance.pick([200, 600, 1_500]);
  return {
    commandRetryMs,
    commandRetryMaxMs: commandRetryMs * chance.pick([1, 4]),
    commandWindow: chance.pick([1, 1, 2, 3]),
    commandMaxTransitions: chance.pick([3, 6, 64]),
    commandsPerSecond: chance.pick([2, 10, 5_000, 5_000]),
    downlinksPerNode: chance.pick([1, 3, 10_000, 10_000]),
    deviceOpenCommands: chance.pick([2, 100, 100]),
  };
}

export function requestsOf(chance: Chance, devices: number): RequestPlan[] {
  const count = chance.between(3, 24);
  const requests: RequestPlan[] = [];
  for (let number = 0; number < count; number++) requests.push(requestOf(chance, number, requests, devices));
  return requests;
}

function requestOf(chance: Chance, number: number, before: readonly RequestPlan[], devices: number): RequestPlan {
  const atMs = momentOf(chance, before);
  const device = chance.between(0, devices - 1);
  const command = before.length > 0 ? chance.pick(before) : undefined;
  const kind = chance.pick(KINDS);
  if (kind === 'desired')
    return { kind, number, atMs, device, patch: patchOf(chance, number), version: chance.pick(VERSIONS) };
  if (kind === 'cancel' && command?.kind === 'command')
    return { kind, number, atMs: command.atMs + chance.pick([0, 20, 500, 3_000]), of: command.number };
  if (kind === 'repeat' && command?.kind === 'command' && command.key !== null) {
    const repeated = chance.happens(0.6) ? command : commandOf(chance, number, 0, device);
    return { ...repeated, number, atMs: chance.pick([atMs, command.atMs, command.atMs + 20]), key: command.key };
  }
  return commandOf(chance, number, atMs, device);
}

const KINDS = ['command', 'command', 'command', 'command', 'repeat', 'repeat', 'cancel', 'desired', 'desired'] as const;
const VERSIONS = ['any', 'any', 'any', 'current', 'stale'] as const;

function commandOf(chance: Chance, number: number, atMs: number, device: number): CommandRequest {
  const known = chance.pick(['key', 'key', 'job', 'neither'] as const);
  return {
    kind: 'command',
    number,
    atMs,
    device,
    mode: chance.pick(['retry', 'retry', 'once']),
    priority: chance.pick([0, 1, 2, 2, 2, 3]),
    ttlMs: Math.round(chance.pick([300, 3_000, 12_000]) * chance.span(0.3, 1)),
    supersedes: chance.happens(0.25) ? chance.pick(['s', 't']) : null,
    key: known === 'key' ? `k${number}` : null,
    isJob: known === 'job',
  };
}

/** Many at one moment fill windows and queues. */
function momentOf(chance: Chance, before: readonly RequestPlan[]): number {
  if (before.length === 0 || chance.happens(0.5)) return chance.between(BEGIN_MS, END_MS);
  return chance.pick(before).atMs + chance.pick([0, 1, 300]);
}

function patchOf(chance: Chance, number: number): JsonObject {
  const value = chance.pick([number, number, chance.between(0, 2)]);
  if (chance.happens(0.15)) return { [chance.pick(['a', 'b'])]: null };
  return chance.happens(0.5) ? { [chance.pick(['a', 'b'])]: value } : { in: { [chance.pick(['c', 'd'])]: value } };
}
