/**
 * Who this server is, and whose clients' certificates it takes: the certificate and key of all its listeners with TLS, and our authorities.
 * Looked at again every few seconds, and what changed is given to the listeners: new connections get it, the live ones stay.
 */
import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions, type Server } from 'node:tls';
import type { Logger } from 'pino';
import type { Authorities } from '../certificates/authorities.ts';
import type { KeyAndCertificate, ServerKeys } from './server-keys.ts';

/** A file that was replaced, and an authority that another process made, are in use after this. */
const LOOK_EVERY_MS = 10_000;

export type TlsOptions = SecureContextOptions & { readonly requestCert: true; readonly rejectUnauthorized: false };

export class ServerIdentity {
  readonly #keys: ServerKeys;
  readonly #authorities: Authorities;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #servers = new Set<Server>();
  #current: (KeyAndCertificate & { readonly ca: readonly string[] }) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(keys: ServerKeys, authorities: Authorities, log: Pick<Logger, 'info' | 'warn'>) {
    this.#keys = keys;
    this.#authorities = authorities;
    this.#log = log;
  }

  /** Rejects when there is no certificate to be had, or it does not belong to its key. */
  async start(): Promise<void> {
    await this.#read();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#servers.clear();
    await this.#looking;
  }

  /**
   * For a new listener. A client without a certificate is let in, and has to show another credential; whoever listens must refuse one with a
   * certificate that is not good: `clientCertificateOf`.
   */
  get options(): TlsOptions {
    return { ...this.#contextOptions(), requestCert: true, rejectUnauthorized: false };
  }

  /** Until it is closed the listener gets what changes. */
  keepsCurrent(server: Server): void {
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
  }

  /** Looks now. What can't be used is told, and what was in use stays. */
  look(): Promise<void> {
    this.#looking ??= this.#read()
      .catch(err => this.#log.warn({ err }, 'could not renew the certificate of this server; the one before stays'))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #read(): Promise<void> {
    const next = { ...(await this.#keys.current()), ca: (await this.#authorities.trusted()).map(it => it.pem) };
    if (JSON.stringify(next) === JSON.stringify(this.#current)) return;
    check(next);
    const isFirst = this.#current === undefined;
    this.#current = next;
    for (const server of this.#servers) server.setSecureContext(this.#contextOptions());
    if (!isFirst) this.#log.info('the certificate of this server, or the authorities that it trusts, have changed');
  }

  #contextOptions(): SecureContextOptions {
    if (this.#current === undefined) throw new Error('The certificate of this server is not there yet');
    const { key, cert, ca } = this.#current;
    // Of TLS 1.2: whoever looks at the certificate of a client does so once, after its handshake.
    const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;
    return { key, cert, ca: [...ca], minVersion: 'TLSv1.2', secureOptions };
  }
}

/** Throws when it can't be used: a file may be written only in part. OpenSSL would take an empty one, and then refuse every client. */
function check({ key, cert, ca }: KeyAndCertificate & { readonly ca: readonly string[] }): void {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error('The key does not belong to the certificate');
  createSecureContext({ key, cert, ca: [...ca] });
}
