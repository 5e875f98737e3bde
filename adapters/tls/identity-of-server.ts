/** The identity of this process, as it is configured. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Sealer } from '../../contracts/sealing.ts';
import { Authorities } from '../certificates/authorities.ts';
import type { Database } from '../database/database.ts';
import { ServerIdentity } from './server-identity.ts';
import { KeyFiles, OwnKeys } from './server-keys.ts';

export type IdentityOptions = {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly log: Logger;
  /** Files in PEM. Absent: a certificate of our own authority. */
  readonly files: { readonly cert: string; readonly key: string } | undefined;
  /** For which it is besides those by which this machine knows itself. */
  readonly names: readonly string[];
  readonly deviceCertificateMaxDays: number;
};

/** Starts it: rejects when there is no certificate to be had. */
export async function startIdentity(options: IdentityOptions): Promise<ServerIdentity> {
  const { database, sealer, log, files, names } = options;
  const authorities = new Authorities({ database, sealer, longestDays: options.deviceCertificateMaxDays });
  const [first = hostname(), ...others] = new Set([...names, hostname(), 'localhost', '127.0.0.1', '::1']);
  const keys =
    files === undefined
      ? new OwnKeys(authorities, [first, ...others])
      : new KeyFiles(files.cert, files.key, authorities);
  const identity = new ServerIdentity(keys, authorities, log);
  await identity.start();
  return identity;
}
