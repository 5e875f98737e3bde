/** Where the certificate of this server comes from: files, or our own authority. */
import { readFile } from 'node:fs/promises';
import type { Authorities } from '../certificates/authorities.ts';
import { type IssuedWithKey, issueForServer } from '../certificates/issuing.ts';

/** Both in PEM; the certificate with those between it and its root. */
export type KeyAndCertificate = { readonly key: string; readonly cert: string };

export interface ServerKeys {
  /** As they are now. Asked again and again. */
  current(): Promise<KeyAndCertificate>;
}

export class KeyFiles implements ServerKeys {
  readonly #certPath: string;
  readonly #keyPath: string;
  readonly #authorities: Authorities;

  constructor(certPath: string, keyPath: string, authorities: Authorities) {
    this.#certPath = certPath;
    this.#keyPath = keyPath;
    this.#authorities = authorities;
  }

  async current(): Promise<KeyAndCertificate> {
    // Devices may show certificates from now on, so there is an authority to check them with.
    await this.#authorities.signing();
    const [cert, key] = await Promise.all([readFile(this.#certPath, 'utf8'), readFile(this.#keyPath, 'utf8')]);
    return { cert, key };
  }
}

const DAYS = 90;
const RENEWED_DAYS_BEFORE = 30;

/** A certificate of our own authority for this process alone, in its memory. */
export class OwnKeys implements ServerKeys {
  readonly #authorities: Authorities;
  readonly #names: readonly [string, ...string[]];
  readonly #nowMs: () => number;
  #issued: IssuedWithKey | undefined;

  constructor(authorities: Authorities, names: readonly [string, ...string[]], nowMs: () => number = Date.now) {
    this.#authorities = authorities;
    this.#names = names;
    this.#nowMs = nowMs;
  }

  async current(): Promise<KeyAndCertificate> {
    if (this.#issued === undefined || this.#isNearItsEnd(this.#issued)) {
      const authority = await this.#authorities.forServers(DAYS);
      this.#issued = await issueForServer(authority, this.#names, { days: DAYS, nowMs: this.#nowMs() });
    }
    return { key: this.#issued.privateKeyPem, cert: this.#issued.pem };
  }

  #isNearItsEnd({ notAfter }: IssuedWithKey): boolean {
    return notAfter.getTime() - this.#nowMs() < RENEWED_DAYS_BEFORE * 86_400_000;
  }
}
