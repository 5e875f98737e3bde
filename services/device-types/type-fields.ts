/** What a caller says of a type of devices: checked whole before any of it is stored. */
import { setImmediate } from 'node:timers/promises';
import type { CommandDescription, CommandDescriptions } from '../../contracts/device-types.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { isJsonObject, isStorableText, type JsonObject } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';
import { checkJson } from '../../mixins/bounded-json.ts';
import { COMMAND_NAME_RULE, isCommandName, usualOf } from '../../mixins/command-orders.ts';
import { compileCommandSchema } from '../../mixins/command-schemas.ts';

/** Of devices: names of types are what devices say, so any text of this length. */
const NAME_MAX_LENGTH = 100;
/** What the body of a request may have, and one level for the whole. */
const MAX_DEPTH = 32;
export const TYPE_MAX_DEPTH = MAX_DEPTH + 1;
const FIELDS = ['description', 'parameters', 'mode', 'priority', 'ttlMs'];

export const isTypeName = (name: string): boolean =>
  name.length >= 1 && name.length <= NAME_MAX_LENGTH && isStorableText(name);

/** Rejects with `invalid_request`, naming the command, or with `too_large`. */
export async function commandsOf(
  said: JsonObject | null | undefined,
  limits: Limits,
): Promise<CommandDescriptions | null> {
  if (said === undefined || said === null) return null;
  const { deviceTypeMaxBytes, deviceTypeMaxCommands } = limits;
  checkJson('commands', said, deviceTypeMaxBytes, MAX_DEPTH);
  const entries = Object.entries(said);
  if (entries.length > deviceTypeMaxCommands)
    throw new SkeinError('too_large', `commands has ${entries.length} commands, more than ${deviceTypeMaxCommands}`);
  const commands: [string, CommandDescription][] = [];
  for (const [name, it] of entries) {
    commands.push([name, commandOf(name, it, limits)]);
    // A large schema takes some 100 ms, and others wait meanwhile.
    await setImmediate();
  }
  return Object.fromEntries(commands);
}

function commandOf(name: string, said: unknown, limits: Limits): CommandDescription {
  const shown = `commands.${name.slice(0, 100)}`;
  if (!isCommandName(name)) throw invalid(shown, `a name has ${COMMAND_NAME_RULE}`);
  if (!isJsonObject(said)) throw invalid(shown, 'must be an object');
  const unknown = Object.keys(said).find(it => !FIELDS.includes(it));
  if (unknown !== undefined) throw invalid(shown, `${unknown.slice(0, 100)} is not known here`);
  const { description, parameters } = said;
  if (description !== undefined && typeof description !== 'string') throw invalid(shown, 'description must be a text');
  return {
    ...(description !== undefined && { description }),
    ...(parameters !== undefined && { parameters: named(shown, () => schemaOf(parameters)) }),
    ...named(shown, () => usualOf(said, limits)),
  };
}

/** As it is, once it is known that it can be used. */
function schemaOf(schema: unknown): JsonObject {
  compileCommandSchema(schema);
  return schema as JsonObject;
}

/** The same rejection, with the name of the command in front. */
function named<T>(shown: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SkeinError) throw new SkeinError(error.type, `${shown}: ${error.message}`);
    throw error;
  }
}

const invalid = (shown: string, detail: string): SkeinError => new SkeinError('invalid_request', `${shown}: ${detail}`);
