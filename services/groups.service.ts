/** Groups of devices. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import { isDeviceId } from '../contracts/addresses.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { type GroupView, groups } from '../contracts/groups.contract.ts';
import { checkText } from '../mixins/bounded-json.ts';
import { memberOf } from '../mixins/callers.ts';
import { NUMBER_POSITION, pageOf, pageSize, positionOf, TEXT_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import { deleteGroup, type GroupRow, groupView, listGroups, readGroup, writeGroup } from './groups/group-rows.ts';
import { addMembers, countMembers, listMembers, type MemberRow, removeMember } from './groups/members.ts';
import type { Node } from './node.ts';

type Called = { readonly meta: Meta; readonly params: { readonly name: string } };

export function groupsService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  const { limits } = config;
  const isName = (name: string) => isDeviceId(name, limits.deviceIdMaxLength);

  /** Of the caller's tenant. Rejects with `not_found`. */
  const find = async (ctx: Called): Promise<GroupRow & { readonly tenantId: number }> => {
    const { tenantId } = memberOf(ctx);
    const { name } = ctx.params;
    const row = isName(name) ? await readGroup(database, { tenantId, name }) : undefined;
    if (row === undefined) throw new SkeinError('not_found', `There is no group "${name.slice(0, 100)}"`);
    return { ...row, tenantId };
  };
  const add = async (ctx: Called, ids: readonly string[]) => {
    const group = await find(ctx);
    const { known, added } = await addMembers(database, group.tenantId, group, ids.filter(isName));
    const found = new Set(known);
    return { added, unknown: [...new Set(ids)].filter(id => !found.has(id)) };
  };

  return implement(
    groups,
    {
      async put(ctx) {
        const { tenantId } = memberOf(ctx);
        const { name, description = null, version, exists } = ctx.params;
        if (!isName(name))
          throw new SkeinError('invalid_request', 'The name of a group has the form of the id of a device');
        if (description !== null) checkText('description', description);
        const row = await writeGroup(database, { tenantId, name }, description, { version, exists });
        if (row === undefined) throw await missed(() => find(ctx), exists);
        return { group: groupView(row), isNew: row.is_new };
      },

      async get(ctx) {
        const group = await find(ctx);
        return { ...groupView(group), deviceCount: await countMembers(database, group) };
      },

      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const list = ['groups', tenantId];
        const size = pageSize(ctx.params.limit, limits);
        const [after] = positionOf<[string]>(list, ctx.params.cursor, TEXT_POSITION) ?? [];
        const rows = await listGroups(database, tenantId, after, size + 1);
        return pageOf<GroupRow, GroupView>(list, rows, size, groupView, row => [row.name]);
      },

      async remove(ctx) {
        const { tenantId, name, version } = await find(ctx);
        const row = await deleteGroup(database, { tenantId, name }, ctx.params.version);
        if (row === undefined) throw stale(version);
        return groupView(row);
      },

      async add(ctx) {
        const { deviceIds } = ctx.params;
        const { groupRequestMaxDevices: most } = limits;
        if (deviceIds.length > most)
          throw new SkeinError('too_large', `deviceIds has ${deviceIds.length} items, more than ${most}`);
        return add(ctx, deviceIds);
      },

      async addOne(ctx) {
        const { id } = ctx.params;
        const { added, unknown } = await add(ctx, [id]);
        if (unknown.length > 0) throw unknownDevice(id);
        return { deviceId: id, added: added > 0 };
      },

      async removeOne(ctx) {
        const group = await find(ctx);
        const { id } = ctx.params;
        const removed = isName(id) && (await removeMember(database, group.tenantId, group, id));
        return { deviceId: id, removed };
      },

      async devices(ctx) {
        const group = await find(ctx);
        const list = ['groups.devices', group.tenantId, group.group_uid];
        const size = pageSize(ctx.params.limit, limits);
        const [after = 0] = positionOf<[number]>(list, ctx.params.cursor, NUMBER_POSITION) ?? [];
        const rows = await listMembers(database, group, after, size + 1);
        const item = (row: MemberRow) => ({ deviceId: row.device_id });
        return pageOf(list, rows, size, item, row => [row.device_uid]);
      },
    },
    databaseErrors,
  );
}

/** Why nothing was written. Rejects with `not_found` when a version of something that is not there was named. */
async function missed(find: () => Promise<GroupRow>, exists: boolean | undefined): Promise<SkeinError> {
  if (exists === true) return new SkeinError('stale_version', 'There is no such group');
  return stale((await find()).version);
}

const stale = (version: number): SkeinError =>
  new SkeinError('stale_version', `The group has version ${version}`, { version });
