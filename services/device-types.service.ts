/** Types of devices: what commands they take. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import { implement, type Meta } from '../contracts/contract.ts';
import { type DeviceTypeView, deviceTypes } from '../contracts/device-types.contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { checkText } from '../mixins/bounded-json.ts';
import { applicationOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { commandsOf, isTypeName } from './device-types/type-fields.ts';
import { deleteType, listTypes, readType, type TypeRow, typeView, writeType } from './device-types/type-rows.ts';
import type { Node } from './node.ts';

type Called = { readonly meta: Meta; readonly params: { readonly name: string } };

export function deviceTypesService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  const { limits } = config;

  /** Of the caller's tenant. Rejects with `not_found`. */
  const find = async (ctx: Called): Promise<TypeRow> => {
    const { tenantId } = applicationOf(ctx);
    const { name } = ctx.params;
    const row = isTypeName(name) ? await readType(database, { tenantId, name }) : undefined;
    if (row === undefined) throw new SkeinError('not_found', `There is no device type "${name.slice(0, 100)}"`);
    return row;
  };

  return implement(
    deviceTypes,
    {
      async put(ctx) {
        const { tenantId } = applicationOf(ctx);
        const { name, description = null, version } = ctx.params;
        if (!isTypeName(name)) throw new SkeinError('invalid_request', 'name must be a text of 1 to 100 characters');
        if (description !== null) checkText('description', description);
        const commands = commandsOf(ctx.params.commands, limits);
        const row = await writeType(database, { tenantId, name }, { description, commands }, version);
        if (row === undefined) throw stale((await find(ctx)).version);
        return { type: typeView(row), isNew: row.is_new };
      },

      async get(ctx) {
        return typeView(await find(ctx));
      },

      async list(ctx) {
        const { tenantId } = applicationOf(ctx);
        const list = ['device-types', tenantId];
        const size = pageSize(ctx.params.limit, limits);
        const [after] = positionOf<[string]>(list, ctx.params.cursor) ?? [];
        const rows = await listTypes(database, tenantId, after, size + 1);
        return pageOf<TypeRow, DeviceTypeView>(list, rows, size, typeView, row => [row.name]);
      },

      async remove(ctx) {
        const { tenantId } = applicationOf(ctx);
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

const stale = (version: number): SkeinError =>
  new SkeinError('stale_version', `The device type has version ${version}`, { version });
