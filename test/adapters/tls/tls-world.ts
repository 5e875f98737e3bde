/** Authorities on a real database, a server with TLS on a free port, and clients. */

import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { type ConnectionOptions, connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import pino from 'pino';
import { Authorities } from '../../../adapters/certificates/authorities.ts';
import { openDatabase } from '../../../adapters/database/open-database.ts';
import { openSealer } from '../../../adapters/secrets/sealer.ts';
import { readConfig } from '../../../config.ts';
import { newDataDir } from '../../support/data-dir.ts';

export async function startTlsWorld() {
  const dataDir = await newDataDir('skein-tls-');
  const database = await openDatabase({ ...readConfig({}), dataDir });
  const sealer = await openSealer(database, randomBytes(32));
  const logged: string[] = [];
  return {
    dataDir,
    database,
    authorities: (nowMs: () => number = Date.now) => new Authorities({ database, sealer, longestDays: 1_825, nowMs }),
    log: pino({ level: 'info' }, { write: line => logged.push(line) }),
    logged,
    async stop() {
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
export type TlsWorld = Awaited<ReturnType<typeof startTlsWorld>>;

/** Connects, and answers with the server's certificate when the handshake is done. Rejects when it fails. */
export function handshake(port: number, options: ConnectionOptions): Promise<PeerCertificate> {
  const { promise, resolve, reject } = Promise.withResolvers<PeerCertificate>();
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options }, () => {
    resolve(socket.getPeerCertificate());
    socket.end();
  });
  socket.once('error', reject);
  return promise;
}
