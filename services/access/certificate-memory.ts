/** Certificates that were found good a short while ago. Apart from keys and tokens: no text that somebody sends must be taken for one. */
import { VerifiedKeys } from '../../adapters/access/verified-keys.ts';
import type { Database } from '../../adapters/database/database.ts';
import type { ClientCertificate, Principal } from '../../contracts/access.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import { certificateAuthenticator } from './certificate-authenticator.ts';
import type { Verified } from './credential.ts';

export class CertificateMemory {
  readonly #verified: VerifiedKeys<Verified>;
  readonly #check: (certificate: ClientCertificate) => Promise<Verified | undefined>;

  constructor(database: Database, { keyCacheEntries, keyCacheSeconds }: Limits) {
    this.#verified = new VerifiedKeys(keyCacheEntries, keyCacheSeconds);
    this.#check = certificateAuthenticator(database);
  }

  /** Whose it is. Undefined: it is not good. */
  async principalOf(certificate: ClientCertificate, isFresh: boolean): Promise<Principal | undefined> {
    const { fingerprint } = certificate;
    const known = isFresh ? undefined : this.#verified.get(fingerprint);
    if (known !== undefined) return known.principal;
    const since = this.#verified.checkStarts();
    const found = await this.#check(certificate);
    if (found !== undefined) this.#verified.keep(fingerprint, found, since);
    return found?.principal;
  }

  forget(owner: string): void {
    this.#verified.forget(owner);
  }
}
