/** From what a caller wishes to the order that a device's actor gets, for those who ask many devices for the same. */
import { deviceAddress } from '../contracts/addresses.ts';
import {
  COMMAND_MODES,
  type CommandMode,
  type CommandOrder,
  PRIORITIES,
  type Priority,
} from '../contracts/commands.ts';
import { SkeinError } from '../contracts/errors.ts';
import { hasName, isGiven, isJsonObject, isStorableText, type JsonObject } from '../contracts/json.ts';
import type { Limits } from '../contracts/limits.ts';
import { checkJson } from './bounded-json.ts';
import type { CommandDefinition } from './type-commands.ts';

/** What a caller says of a command, checked. What is absent comes from the device's type, or is as usual. */
export type CommandWish = {
  readonly command: string;
  readonly parameters: JsonObject;
  readonly mode?: CommandMode;
  readonly priority?: Priority;
  readonly ttlMs?: number;
  readonly supersedes?: string;
};

const FIELDS = ['command', 'parameters', 'mode', 'priority', 'ttlMs', 'ttl_ms', 'supersedes'];
const NAME = /^[A-Za-z0-9_.:-]{1,64}$/;
const SUPERSEDES_MAX_LENGTH = 128;

/** Names are in messages to devices and in the types of devices. */
export const isCommandName = (name: unknown): name is string => typeof name === 'string' && NAME.test(name);
export const COMMAND_NAME_RULE = '1 to 64 letters, digits and _ . : -';

/** Reads what a caller sent. Null is the same as absent. Rejects with `invalid_request` or `too_large`. */
export function wishOf(said: JsonObject, limits: Limits): CommandWish {
  const unknown = Object.keys(said).find(name => !FIELDS.includes(name));
  if (unknown !== undefined) throw invalid(`${unknown.slice(0, 100)} is not known here`);
  const { ttl_ms, ...rest } = said;
  if (isGiven(ttl_ms) && isGiven(rest.ttlMs)) throw invalid('ttlMs and ttl_ms are the same');
  const supersedes = supersedesOf(said.supersedes);
  return {
    command: commandNameOf(said.command),
    parameters: parametersOf(said.parameters, limits),
    ...usualOf({ ...rest, ttlMs: rest.ttlMs ?? ttl_ms }, limits),
    ...(supersedes !== null && { supersedes }),
  };
}

/** Rejects with `invalid_request`. */
export function commandNameOf(name: unknown): string {
  if (isCommandName(name)) return name;
  throw invalid(`command must have ${COMMAND_NAME_RULE}`);
}

/** Absent ones are empty. Rejects with `invalid_request` or `too_large`. */
export function parametersOf(said: unknown, limits: Limits): JsonObject {
  const parameters = said ?? {};
  if (!isJsonObject(parameters)) throw invalid('parameters must be an object');
  checkJson('parameters', parameters, limits.commandParametersMaxBytes, limits.commandParametersMaxDepth);
  if (hasName(parameters, '__proto__')) throw invalid('parameters: "__proto__" is not taken as a name');
  return parameters;
}

/** Null: there is none. Rejects with `invalid_request`. */
export function supersedesOf(key: unknown): string | null {
  if (!isGiven(key)) return null;
  const fits = typeof key === 'string' && key.length >= 1 && key.length <= SUPERSEDES_MAX_LENGTH;
  if (fits && isStorableText(key)) return key;
  throw invalid(`supersedes must be a text of 1 to ${SUPERSEDES_MAX_LENGTH} characters that can be stored`);
}

/** What a type of devices may say of a command as well. Rejects with `invalid_request`. */
export function usualOf(said: JsonObject, limits: Limits): Pick<CommandWish, 'mode' | 'priority' | 'ttlMs'> {
  const { mode, priority, ttlMs } = said;
  return {
    ...(isGiven(mode) && { mode: oneOf('mode', COMMAND_MODES, mode) }),
    ...(isGiven(priority) && { priority: oneOf('priority', PRIORITIES, priority) }),
    ...(isGiven(ttlMs) && { ttlMs: ttlOf(ttlMs, limits) }),
  };
}

/** What a wish can't say. */
export type OrderFacts = Pick<CommandOrder, 'id' | 'createdAtMs' | 'jobId' | 'requestedBy'> & {
  readonly tenant: string;
  readonly device: string;
};

export function orderOf(
  wish: CommandWish,
  definition: CommandDefinition,
  { tenant, device, ...facts }: OrderFacts,
  { commandTtlSeconds, commandTtlMaxSeconds }: Limits,
): CommandOrder {
  // What a type says was bounded by the limit of then.
  const usualMs = Math.min(definition.ttlMs ?? commandTtlSeconds * 1000, commandTtlMaxSeconds * 1000);
  return {
    ...facts,
    shard: deviceAddress(tenant, device).shard,
    name: wish.command,
    parametersJson: JSON.stringify(wish.parameters),
    mode: wish.mode ?? definition.mode ?? 'retry',
    priority: PRIORITIES.indexOf(wish.priority ?? definition.priority ?? 'normal'),
    supersedes: wish.supersedes ?? null,
    deadlineMs: facts.createdAtMs + (wish.ttlMs ?? usualMs),
    idempotencyKey: null,
    requestHash: null,
    resendOf: null,
  };
}

function ttlOf(ttlMs: unknown, { commandTtlMaxSeconds }: Limits): number {
  const mostMs = commandTtlMaxSeconds * 1000;
  if (typeof ttlMs === 'number' && Number.isInteger(ttlMs) && ttlMs >= 1 && ttlMs <= mostMs) return ttlMs;
  throw invalid(`ttlMs must be a whole number from 1 to ${mostMs}`);
}

function oneOf<T extends string>(name: string, values: readonly T[], value: unknown): T {
  const found = values.find(it => it === value);
  if (found === undefined) throw invalid(`${name} must be one of ${values.join(', ')}`);
  return found;
}

const invalid = (detail: string): SkeinError => new SkeinError('invalid_request', detail);
