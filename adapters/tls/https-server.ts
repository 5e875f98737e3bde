/** HTTPS in front of the HTTP server of the process: what comes in by it is handled by whoever listens to that one. */
import type { Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Limits } from '../../contracts/limits.ts';
import { clientCertificateOf } from './client-certificate.ts';
import type { ServerIdentity } from './server-identity.ts';

/** Not listening yet. */
export function httpsInFrontOf(http: HttpServer, identity: ServerIdentity, limits: Limits): Server {
  const https = createServer({
    ...identity.options,
    maxHeaderSize: limits.headersMaxBytes,
    handshakeTimeout: limits.connectTimeoutSeconds * 1000,
    headersTimeout: limits.requestTimeoutSeconds * 1000,
    requestTimeout: limits.requestTimeoutSeconds * 1000,
  });
  https.prependListener('secureConnection', (socket: TLSSocket) => {
    if (clientCertificateOf(socket) === 'invalid') socket.destroy();
  });
  https.on('request', (request, response) => {
    if (!http.emit('request', request, response)) response.destroy();
  });
  https.on('upgrade', (request, socket: Duplex, head) => {
    if (!http.emit('upgrade', request, socket, head)) socket.destroy();
  });
  https.on('clientError', (error, socket: Duplex) => {
    if (!http.emit('clientError', error, socket)) socket.destroy();
  });
  // A handshake that failed: the client's doing.
  https.on('tlsClientError', (_error, socket) => socket.destroy());
  identity.keepsCurrent(https);
  return https;
}
