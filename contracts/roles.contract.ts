import type { DeviceLimit } from './access.contract.ts';
import { action, contract } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { Permission } from './permissions.ts';

export type RoleView = {
  name: string;
  description: string | null;
  /** Every organization has it, and nobody changes it: then the rest is null. */
  builtIn: boolean;
  permissions: Permission[];
  /** Which devices it is about: those that fit one of these. Null: all. */
  limit: DeviceLimit | null;
  /** Grows with every change; the ETag is `"<version>"`. */
  version: number | null;
  /** ISO 8601, UTC. */
  createdAt: string | null;
  updatedAt: string | null;
};
export type PermissionView = { name: Permission; description: string };

const names = { type: 'array', items: 'string', optional: true } as const;

/** Roles: the built-in ones, and those that the organization makes. Nobody makes one that gives more than it has itself. */
export const roles = contract('roles', {
  /** The built-in ones first, then by name. */
  list: action({ limit: 'number|optional|integer', cursor: 'string|optional' }, { needs: 'users:read' }).returns<
    Page<RoleView>
  >(),
  get: action({ name: 'string' }, { needs: 'users:read' }).returns<RoleView>(),
  /**
   * Makes it, or replaces all that it says. Refused with `stale_version` unless `version` is the role's own, and unless `exists` says whether there
   * is one; with `conflict` when it is a built-in one.
   */
  put: action(
    {
      name: 'string',
      version: 'number|optional',
      exists: 'boolean|optional',
      description: { type: 'string', optional: true, nullable: true, max: 2_000 },
      permissions: { type: 'array', items: 'string' },
      limit: {
        type: 'object',
        optional: true,
        nullable: true,
        strict: true,
        props: {
          groups: names,
          types: names,
          tags: names,
          claimed: { type: 'enum', values: [true], optional: true },
        },
      },
    },
    { needs: 'users:write' },
  ).returns<{ role: RoleView; isNew: boolean }>(),
  /** Refused with `conflict` while a user or an API key has it. */
  remove: action({ name: 'string', version: 'number|optional' }, { needs: 'users:write' }).returns<RoleView>(),
  /** All that there are, for those who make roles. */
  permissions: action({}, { needs: 'signed-in' }).returns<{ items: PermissionView[] }>(),
});
