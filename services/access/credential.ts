/** What all kinds of credentials have in common: how they are checked, and what may end them. */
import type { Verified } from '../../adapters/access/verified-keys.ts';
import type { Presented, Revocation } from '../../contracts/access.contract.ts';

export type { Verified };

/** One kind of key or token. */
export interface Authenticator {
  /** Whether the text can be one of this kind. Cheap, and without a look at anything else. */
  recognises(text: string): boolean;
  /** Undefined: it is not good, for whatever reason. Rejects when that could not be found out. */
  check(text: string, presented: Presented): Promise<Verified | undefined>;
}

export const ownerOf = ({ kind, tenant, subject }: Pick<Revocation, 'kind' | 'tenant' | 'subject'>): string =>
  `${kind} ${tenant}/${subject}`;
