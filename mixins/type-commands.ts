/** What the types of devices say of their commands, with schemas compiled once for each version of a type. */
import { LRUCache } from 'lru-cache';
import type { Database } from '../adapters/database/database.ts';
import type { CommandMode, Priority } from '../contracts/commands.ts';
import { SkeinError } from '../contracts/errors.ts';
import { isJsonObject, type JsonObject } from '../contracts/json.ts';
import type { Limits } from '../contracts/limits.ts';
import { BatchReader } from './batch-reader.ts';
import { compileCommandSchema, type ParametersValidator } from './command-schemas.ts';

/** A type that says which commands its devices take, as it was read with the device. */
export type TypeVersion = {
  readonly tenantId: number;
  readonly name: string;
  readonly version: number;
  /** A type that was removed and made again begins with version 1 again. */
  readonly changedAtMs: number;
};
export type CommandDefinition = {
  readonly mode?: CommandMode;
  readonly priority?: Priority;
  readonly ttlMs?: number;
  readonly validator?: ParametersValidator;
};
/** Of a command of which no type says anything. */
export const UNDEFINED_COMMAND: CommandDefinition = {};

type Name = { readonly tenantId: number; readonly type: string; readonly command: string };
type DefinitionRow = Name & { definition: unknown; version: number; updated_at: Date };

/** For each compiled schema that may be kept: large ones take the place of several. */
const CACHED_KIB = 64;

export class TypeCommands {
  static readonly #ofDatabases = new WeakMap<Database, TypeCommands>();

  /** The one of this process, for all who have the same database. */
  static of(database: Database, { commandSchemasCached }: Pick<Limits, 'commandSchemasCached'>): TypeCommands {
    const known = TypeCommands.#ofDatabases.get(database) ?? new TypeCommands(database, commandSchemasCached);
    TypeCommands.#ofDatabases.set(database, known);
    return known;
  }

  readonly #reader: BatchReader<Name, DefinitionRow>;
  readonly #known: LRUCache<string, CommandDefinition>;

  constructor(database: Database, entriesMax: number) {
    this.#reader = definitionReader(database);
    this.#known = new LRUCache({
      max: entriesMax,
      maxSize: entriesMax * CACHED_KIB,
      sizeCalculation: ({ validator }) => validator?.sizeKiB ?? 1,
    });
  }

  /** Undefined: the type has no such command. */
  async definition(type: TypeVersion, command: string): Promise<CommandDefinition | undefined> {
    const known = this.#known.get(keyOf(type, command));
    if (known !== undefined) return known;
    const row = await this.#reader.load({ tenantId: type.tenantId, type: type.name, command });
    if (row === undefined || !isJsonObject(row.definition)) return undefined;
    const read = { ...type, version: row.version, changedAtMs: row.updated_at.getTime() };
    const definition = this.#known.get(keyOf(read, command)) ?? definitionOf(row.definition);
    this.#known.set(keyOf(read, command), definition);
    return definition;
  }
}

/** Throws `command_parameters_invalid` with `problems`, or `too_large`. */
export function checkParameters(command: string, parameters: JsonObject, { validator }: CommandDefinition): void {
  const problems = validator?.problemsOf(parameters) ?? [];
  if (problems.length === 0) return;
  const told = problems.map(({ path, message }) => `parameters${path} ${message}`).join('; ');
  throw new SkeinError('command_parameters_invalid', `${command}: ${told}`, { problems });
}

const keyOf = ({ tenantId, name, version, changedAtMs }: TypeVersion, command: string): string =>
  // The name of a type may be anything, so it is the last; a command has no space.
  `${tenantId} ${version} ${changedAtMs} ${command} ${name}`;

function definitionOf(stored: JsonObject): CommandDefinition {
  const { mode, priority, ttlMs, parameters } = stored as Omit<CommandDefinition, 'validator'> & {
    parameters?: unknown;
  };
  return {
    ...(mode && { mode }),
    ...(priority && { priority }),
    ...(ttlMs && { ttlMs }),
    ...(isJsonObject(parameters) && { validator: compileCommandSchema(parameters) }),
  };
}

const definitionReader = (database: Database): BatchReader<Name, DefinitionRow> =>
  new BatchReader({
    nameOf: nameOf,
    batchMaxKeys: 500,
    waitingMaxKeys: 20_000,
    queriesUnderWay: 2,
    read: async names => {
      const rows = await database.query<DefinitionRow>(
        `SELECT w.tenant_id AS "tenantId", w.type, w.command, t.version, t.updated_at, t.commands -> w.command AS definition
         FROM unnest($1::int[], $2::text[], $3::text[]) AS w (tenant_id, type, command)
         JOIN device_type t ON t.tenant_id = w.tenant_id AND t.name = w.type`,
        [names.map(it => it.tenantId), names.map(it => it.type), names.map(it => it.command)],
      );
      return new Map(rows.map(row => [nameOf(row), row]));
    },
  });

const nameOf = ({ tenantId, type, command }: Name): string => `${tenantId} ${command} ${type}`;
