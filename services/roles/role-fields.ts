/** What a caller says of a role: checked, and as it is kept. */
import type { DeviceLimit } from '../../contracts/access.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import { checkText } from '../../mixins/bounded-json.ts';
import { permissionsOf } from '../../mixins/permission-names.ts';
import type { RoleFields } from './role-rows.ts';

const NAME_MAX_LENGTH = 100;

type Said = {
  readonly description?: string | null;
  readonly permissions: readonly string[];
  readonly limit?: DeviceLimit | null;
};

/** Rejects with `invalid_request`. */
export function roleFields({ description = null, permissions, limit = null }: Said, limits: Limits): RoleFields {
  if (description !== null) checkText('description', description);
  return {
    description,
    permissions: permissionsOf(permissions),
    limit: limit === null ? null : limitOf(limit, limits.roleLimitMaxItems),
  };
}

/** An empty one would be for no device at all: who means that leaves the permissions out, and who does not has forgotten something. */
function limitOf(limit: DeviceLimit, most: number): DeviceLimit {
  const kept: { -readonly [kind in keyof DeviceLimit]: DeviceLimit[kind] } = {};
  for (const kind of ['groups', 'types', 'tags'] as const) {
    const names = [...new Set(limit[kind] ?? [])];
    if (names.length > most) throw new SkeinError('invalid_request', `limit.${kind} must have at most ${most} items`);
    for (const name of names) checkName(`limit.${kind}`, name);
    if (names.length > 0) kept[kind] = names;
  }
  if (limit.claimed) kept.claimed = true;
  if (Object.keys(kept).length === 0)
    throw new SkeinError(
      'invalid_request',
      'limit must name groups, types or tags, or say "claimed"; null is all devices',
    );
  return kept;
}

function checkName(field: string, name: string): void {
  if (name === '' || name.length > NAME_MAX_LENGTH)
    throw new SkeinError('invalid_request', `${field} must have texts of 1 to ${NAME_MAX_LENGTH} characters`);
  checkText(field, name);
}
