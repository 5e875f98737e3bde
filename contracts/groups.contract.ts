import { action, contract } from './contract.ts';
import type { Page } from './devices.contract.ts';

export type GroupView = {
  name: string;
  description: string | null;
  /** Of the description, not of who is in it; the ETag is `"<version>"`. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
};

/**
 * Groups of devices, made by hand, and tags, which devices say themselves. Decommissioned devices are in none and have none here. Who may see some
 * devices only sees the others neither as members nor counted.
 */
export const groups = contract('groups', {
  /**
   * Makes it, or changes what it says; its devices stay. Refused with `stale_version` unless `version` is the group's own, and unless `exists`
   * says whether there is one.
   */
  put: action(
    {
      name: 'string',
      version: 'number|optional',
      exists: 'boolean|optional',
      description: { type: 'string', optional: true, nullable: true, max: 2_000 },
    },
    { needs: 'groups:write' },
  ).returns<{ group: GroupView; isNew: boolean }>(),
  get: action({ name: 'string' }, { needs: 'groups:read', of: 'devices' }).returns<
    GroupView & { deviceCount: number }
  >(),
  /** By name. */
  list: action(
    { limit: 'number|optional|integer', cursor: 'string|optional' },
    { needs: 'groups:read', of: 'nothing' },
  ).returns<Page<GroupView>>(),
  remove: action({ name: 'string', version: 'number|optional' }, { needs: 'groups:write' }).returns<GroupView>(),
  /** `added`: those that were not in it before. `unknown`: no such device, or a decommissioned one. */
  add: action({ name: 'string', deviceIds: { type: 'array', items: 'string' } }, { needs: 'groups:write' }).returns<{
    added: number;
    unknown: string[];
  }>(),
  /** Rejects with `not_found` when there is no such device. Again: the same answer. */
  addOne: action({ name: 'string', id: 'string' }, { needs: 'groups:write' }).returns<{
    deviceId: string;
    added: boolean;
  }>(),
  removeOne: action({ name: 'string', id: 'string' }, { needs: 'groups:write' }).returns<{
    deviceId: string;
    removed: boolean;
  }>(),
  /** In the order in which they were registered. */
  devices: action(
    { name: 'string', limit: 'number|optional|integer', cursor: 'string|optional' },
    { needs: 'groups:read', of: 'devices' },
  ).returns<Page<{ deviceId: string }>>(),
  /** Tags in use, by name, with how many devices have each. */
  tags: action(
    { limit: 'number|optional|integer', cursor: 'string|optional' },
    { needs: 'devices:read', of: 'devices' },
  ).returns<Page<{ tag: string; deviceCount: number }>>(),
});
