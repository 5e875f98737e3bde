/** Types of devices: what commands they take. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import { implement, type Meta } from '../contracts/contract.ts';
import { deviceTypes } from '../contracts/device-types.contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { checkText } from '../mixins/bounded-json.ts';
import { memberOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, TEXT_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { readPieces } from '../mixins/pieces.ts';
import { commandsOf, isTypeName } from './device-types/type-fields.ts';
import { deleteType, listTypes, readType, type TypeRow, typeView, writeType } from './device-types/type-rows.ts';
import type { Node } from './node.ts';

/** Everything of a type but its commands. */
const ROW_BYTES = 4_000;

type Called = { readonly meta: Meta; readonly params: { readonly name: string } };

export function deviceTypesService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  const { limits } = config;

  /** Of the caller's tenant. Rejects with `not_found`. */
  const find = async (ctx: Called): Promise<TypeRow> => {
    const { tenantId } = memberOf(ctx);
    const { name } = ctx.params;
    const row = isTypeName(name) ? await readType(database, { tenantId, name }) : undefined;
    if (row === undefined) throw new SkeinError('not_found', `There is no device type "${name.slice(0, 100)}"`);
    return row;
  };

  return implement(
    deviceTypes,
    {
      async put(ctx) {
        const { tenantId } = memberOf(ctx);
        const { name, description = null, version, exists } = ctx.params;
        if (!isTypeName(name)) throw new SkeinError('invalid_request', 'name must be a text of 1 to 100 characters');
        if (description !== null) checkText('description', description);
        const commands = await commandsOf(ctx.params.commands, limits);
        const row = await writeType(database, { tenantId, name }, { description, commands }, { version, exists });
        if (row === undefined) throw await missed(() => find(ctx), exists);
        return { type: typeView(row), isNew: row.is_new };
      },

      async get(ctx) {
        return typeView(await find(ctx));
      },

      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const list = ['device-types', tenantId];
        const size = pageSize(ctx.params.limit, limits);
        const [after] = positionOf<[string]>(list, ctx.params.cursor, TEXT_POSITION) ?? [];
        const found = await readPieces<TypeRow>(database, limits, size, {
          rowMaxBytes: limits.deviceTypeMaxBytes + ROW_BYTES,
          bytesOf: row => ROW_BYTES + JSON.stringify(row.commands).length,
          read: async (last, most) => ({ rows: await listTypes(database, tenantId, last?.name ?? after, most) }),
        });
        return pageOf(list, found.rows, found.size, typeView, row => [row.name]);
      },

      async remove(ctx) {
        const { tenantId } = memberOf(ctx);
        const { name, version } = ctx.params;
        const before = await find(ctx);
        const row = await deleteType(database, { tenantId, name }, version);
        if (row !== undefined) return typeView(row);
        if (version !== undefined && version !== before.version) throw stale(before.version);
        throw new SkeinError('conflict', 'There are devices of this type: give them another one first');
      },
    },
    databaseErrors,
  );
}

/** Why nothing was written. Rejects with `not_found` when a version of something that is not there was named. */
async function missed(find: () => Promise<TypeRow>, exists: boolean | undefined): Promise<SkeinError> {
  if (exists === true) return new SkeinError('stale_version', 'There is no such device type');
  return stale((await find()).version);
}

const stale = (version: number): SkeinError =>
  new SkeinError('stale_version', `The device type has version ${version}`, { version });
