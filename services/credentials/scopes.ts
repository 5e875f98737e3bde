/** What a new credential of a device may do: never more than whoever asks for it may give. Null: everything. */
import type { Principal } from '../../contracts/access.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { DeviceScope } from '../../contracts/permissions.ts';

export type Scopes = readonly DeviceScope[] | null;

/** People and programs give any scopes, a device those of the credential that it shows. */
export const scopesOf = (caller: Principal): Scopes => (caller.kind === 'device' ? caller.scopes : null);

export const isWithin = (scopes: Scopes, most: Scopes): boolean =>
  most === null || scopes?.every(it => most.includes(it)) === true;

/** What these may do together. */
export const union = (all: readonly Scopes[]): Scopes =>
  all.some(it => it === null) ? null : [...new Set(all.flatMap(it => it ?? []))];

/** Rejects with `forbidden`. */
export function given(wanted: Scopes, caller: Principal): Scopes {
  const most = scopesOf(caller);
  if (isWithin(wanted, most)) return wanted === null ? null : [...new Set(wanted)];
  throw new SkeinError(
    'forbidden',
    'A device gives none of its credentials more scopes than the one has that it shows',
  );
}
