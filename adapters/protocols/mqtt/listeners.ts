/** The ways in: TCP, with or without TLS, and WebSocket on the HTTP server's `/mqtt`. */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { ClientCertificate } from '../../../contracts/access.contract.ts';
import type { Limits } from '../../../contracts/limits.ts';
import { clientCertificateOf } from '../../tls/client-certificate.ts';
import type { ServerIdentity } from '../../tls/server-identity.ts';

export type Origin = {
  /** How a connection came in: `mqtt`, `mqtts`, `ws` or `wss`. */
  readonly protocol: string;
  /** From where, as host and port. */
  readonly peer: string;
  /** What the client showed in its TLS handshake, if it did. */
  readonly certificate?: ClientCertificate;
};
export type Connected = (stream: Duplex, origin: Origin) => void;
export type OpenListener = { readonly port: number | undefined; close(): Promise<void> };

/** A peer that vanished without a word is noticed after about this long and the system's probes. */
const KEEP_ALIVE_DELAY_MS = 60_000;
/** Browsers put several packets into one WebSocket message, so one may be larger than the largest packet. */
const PACKETS_PER_WEBSOCKET_MESSAGE = 4;
const PATH = '/mqtt';

const socketOptions = ({ socketReadAheadBytes }: Limits) => ({
  noDelay: true,
  highWaterMark: socketReadAheadBytes,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
});

/** Rejects when the port can not be had. */
export function listenOnTcp(host: string, port: number, limits: Limits, connected: Connected): Promise<OpenListener> {
  const server = createServer(socketOptions(limits), socket =>
    connected(socket, { protocol: 'mqtt', peer: peerOf(socket) }),
  );
  return listening(server, host, port);
}

/** A client that shows a certificate which is not good is not heard. Rejects when the port can not be had. */
export function listenOnTls(
  host: string,
  port: number,
  identity: ServerIdentity,
  limits: Limits,
  connected: Connected,
): Promise<OpenListener> {
  const handshakeTimeout = limits.connectTimeoutSeconds * 1000;
  const server = createTlsServer({ ...socketOptions(limits), ...identity.options, handshakeTimeout }, socket => {
    const certificate = clientCertificateOf(socket);
    if (certificate === 'invalid') socket.destroy();
    else connected(socket, { protocol: 'mqtts', peer: peerOf(socket), ...(certificate && { certificate }) });
  });
  // Those in a handshake are not among the connections yet.
  server.maxConnections = limits.connectionsMax + limits.authenticationsUnderWay;
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  identity.keepsCurrent(server);
  return listening(server, host, port);
}

function listening(server: Server, host: string, port: number): Promise<OpenListener> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 1_024 }, () => {
      server.removeListener('error', reject);
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => new Promise(closed => server.close(() => closed())),
      });
    });
  });
}

/** Section 6: the subprotocol is `mqtt`, and messages are binary. */
export function listenOnWebSocket(http: HttpServer, limits: Limits, connected: Connected): OpenListener {
  const packetMaxBytes = limits.messageMaxBytes + limits.packetOverheadMaxBytes;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: PACKETS_PER_WEBSOCKET_MESSAGE * packetMaxBytes,
    perMessageDeflate: false,
    handleProtocols: () => 'mqtt',
  });
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = request.url?.split('?', 1)[0];
    if (path !== PATH) return http.listenerCount('upgrade') > 1 ? undefined : refuse(socket, '404 Not Found');
    if (!offersMqtt(request)) return refuse(socket, '400 Bad Request');
    const origin = originOf(request.socket);
    server.handleUpgrade(request, socket as Socket, head, webSocket => {
      const stream = createWebSocketStream(webSocket, { readableHighWaterMark: limits.socketReadAheadBytes });
      // A text message closes the connection [MQTT-6.0.0-1], before the stream has it.
      webSocket.prependListener('message', (_, isBinary) => {
        if (isBinary) return;
        webSocket.close(1003);
        stream.destroy();
      });
      connected(stream, origin);
    });
  };
  http.on('upgrade', upgrade);
  return {
    port: undefined,
    close: async () => {
      http.removeListener('upgrade', upgrade);
      server.close();
    },
  };
}

/** A certificate that is not good did not come so far: adapters/tls/https-server.ts. */
function originOf(socket: Socket): Origin {
  const certificate = clientCertificateOf(socket);
  return {
    protocol: socket instanceof TLSSocket ? 'wss' : 'ws',
    peer: peerOf(socket),
    ...(typeof certificate === 'object' && { certificate }),
  };
}

/** An IPv4 address is written as one, though the socket listens on IPv6 (RFC 4291, section 2.5.5.2). */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  if (remoteAddress === undefined) return '';
  const host = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice('::ffff:'.length) : remoteAddress;
  return host.includes(':') ? `[${host}]:${remotePort}` : `${host}:${remotePort}`;
}

const offersMqtt = ({ headers }: IncomingMessage): boolean =>
  headers['sec-websocket-protocol']?.split(',').some(name => name.trim() === 'mqtt') ?? false;

function refuse(socket: Duplex, status: string): void {
  socket.once('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
