import { SkeinError } from '../contracts/errors.ts';
import { isPermission, type Permission } from '../contracts/permissions.ts';

/** Distinct. Rejects with `invalid_request` when one of them is none. */
export function permissionsOf(names: readonly string[]): Permission[] {
  const unknown = names.find(it => !isPermission(it));
  if (unknown !== undefined)
    throw new SkeinError(
      'invalid_request',
      `permissions: "${unknown.slice(0, 100)}" is none; GET /permissions has all`,
    );
  return [...new Set(names.filter(isPermission))];
}
