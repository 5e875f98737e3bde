/** Groups of devices, and their tags. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import { tenantAdapter } from '../adapters/moleculer-db/tenant-adapter.ts';
import { isDeviceId } from '../contracts/addresses.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { type GroupView, groups } from '../contracts/groups.contract.ts';
import { audited } from '../mixins/audit.ts';
import { checkText } from '../mixins/bounded-json.ts';
import { limitOf, memberOf } from '../mixins/callers.ts';
import { NUMBER_POSITION, pageOf, pageSize, positionOf, TEXT_POSITION } from '../mixins/cursors.ts';
import { refuseMarksOfOwnRoles } from '../mixins/giving.ts';
import { inTurn } from '../mixins/pieces.ts';
import { TenantResource } from '../mixins/tenant-resource.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import { GROUP_TABLE } from './groups/group-table.ts';
import { addMembers, countMembers, type GroupName, listMembers, listTags, removeMember } from './groups/members.ts';
import type { Node } from './node.ts';

type Called = { readonly meta: Meta };

const ROW_MAX_BYTES = 9_000;
/** Named in the audit log: the number says how many there were. */
const MOST_NAMED = 20;

export function groupsService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  const { limits } = config;
  const isName = (name: string) => isDeviceId(name, limits.deviceIdMaxLength);
  const resource = new TenantResource<GroupView>({
    noun: 'group',
    adapter: tenantAdapter(GROUP_TABLE),
    database,
    limits,
    rowMaxBytes: ROW_MAX_BYTES,
    isKey: isName,
  });

  /** Roles may be for the devices of a group, so who comes into it is recorded. */
  const add = async (ctx: Called, group: GroupName, ids: readonly string[]) => {
    const { known, added } = await database.transaction(async tx => {
      const done = await addMembers(tx, group, ids.filter(isName));
      const deviceIds = done.added.slice(0, MOST_NAMED);
      if (deviceIds.length > 0)
        await audited(tx, ctx, 'group.devices-added', `group ${group.name}`, { added: done.added.length, deviceIds });
      return done;
    });
    const found = new Set(known);
    return { added: added.length, unknown: [...new Set(ids)].filter(id => !found.has(id)) };
  };

  return implement(
    groups,
    {
      async put(ctx) {
        const { name, description = null, version, exists } = ctx.params;
        if (!isName(name))
          throw new SkeinError('invalid_request', 'The name of a group has the form of the id of a device');
        if (description !== null) checkText('description', description);
        const { view, isNew } = await resource.of(this, ctx).put(name, { description }, { version, exists });
        return { group: view, isNew };
      },

      async get(ctx) {
        const { name } = ctx.params;
        const rows = resource.of(this, ctx);
        const group = await rows.get(name);
        const deviceCount = await countMembers(database, { tenantId: rows.tenantId, name }, limitOf(ctx));
        return { ...group, deviceCount };
      },

      list(ctx) {
        return resource.of(this, ctx).list(ctx.params);
      },

      remove(ctx) {
        return resource.of(this, ctx).remove(ctx.params.name, ctx.params.version);
      },

      async add(ctx) {
        const { name, deviceIds } = ctx.params;
        const { groupRequestMaxDevices: most } = limits;
        if (deviceIds.length > most)
          throw new SkeinError('too_large', `deviceIds has ${deviceIds.length} items, more than ${most}`);
        const rows = resource.of(this, ctx);
        await rows.get(name);
        refuseMarksOfOwnRoles(memberOf(ctx), { groups: [name] });
        return add(ctx, { tenantId: rows.tenantId, name }, deviceIds);
      },

      async addOne(ctx) {
        const { name, id } = ctx.params;
        const rows = resource.of(this, ctx);
        await rows.get(name);
        refuseMarksOfOwnRoles(memberOf(ctx), { groups: [name] });
        const { added, unknown } = await add(ctx, { tenantId: rows.tenantId, name }, [id]);
        if (unknown.length > 0) throw unknownDevice(id);
        return { deviceId: id, added: added === 1 };
      },

      async removeOne(ctx) {
        const { name, id } = ctx.params;
        const rows = resource.of(this, ctx);
        await rows.get(name);
        if (!isName(id)) return { deviceId: id, removed: false };
        const removed = await database.transaction(async tx => {
          const was = await removeMember(tx, { tenantId: rows.tenantId, name }, id);
          if (was) await audited(tx, ctx, 'group.device-removed', `group ${name}`, { deviceId: id });
          return was;
        });
        return { deviceId: id, removed };
      },

      async devices(ctx) {
        const { name, limit, cursor } = ctx.params;
        const rows = resource.of(this, ctx);
        const fits = limitOf(ctx);
        const { createdAt } = await rows.get(name);
        // A group that was made again has other devices.
        const list = ['groups.devices', rows.tenantId, name, createdAt, fits];
        const size = pageSize(limit, limits);
        const [after = 0] = positionOf<[number]>(list, cursor, NUMBER_POSITION) ?? [];
        const found = await listMembers(database, { tenantId: rows.tenantId, name }, fits, after, size + 1);
        return pageOf(
          list,
          found,
          size,
          row => ({ deviceId: row.device_id }),
          row => [row.device_uid],
        );
      },

      async tags(ctx) {
        const { tenantId } = memberOf(ctx);
        const fits = limitOf(ctx);
        const list = ['tags', tenantId, fits];
        const size = pageSize(ctx.params.limit, limits);
        const [after] = positionOf<[string]>(list, ctx.params.cursor, TEXT_POSITION) ?? [];
        const found = await inTurn(database, limits, () => listTags(database, tenantId, fits, after, size + 1));
        return pageOf(
          list,
          found,
          size,
          row => ({ tag: row.tag, deviceCount: row.devices }),
          row => [row.tag],
        );
      },
    },
    resource.schema,
  );
}
