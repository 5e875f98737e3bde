/** The two ways in: TCP, and WebSocket on the HTTP server's `/mqtt`. */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { Limits } from '../../../contracts/limits.ts';

/** How a connection came in: `mqtt` or `ws`, and from where, as host and port. */
export type Origin = { readonly protocol: string; readonly peer: string };
export type Connected = (stream: Duplex, origin: Origin) => void;
export type OpenListener = { readonly port: number | undefined; close(): Promise<void> };

/** A peer that vanished without a word is noticed after about this long and the system's probes. */
const KEEP_ALIVE_DELAY_MS = 60_000;
/** Browsers put several packets into one WebSocket message, so one may be larger than the largest packet. */
const PACKETS_PER_WEBSOCKET_MESSAGE = 4;
const PATH = '/mqtt';

/** Rejects when the port can not be had. */
export function listenOnTcp(host: string, port: number, limits: Limits, connected: Connected): Promise<OpenListener> {
  const server = createServer(
    {
      noDelay: true,
      highWaterMark: limits.socketReadAheadBytes,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    },
    socket => connected(socket, { protocol: 'mqtt', peer: peerOf(socket) }),
  );
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
    const peer = peerOf(request.socket);
    server.handleUpgrade(request, socket as Socket, head, webSocket => {
      const stream = createWebSocketStream(webSocket, { readableHighWaterMark: limits.socketReadAheadBytes });
      // A text message closes the connection [MQTT-6.0.0-1], before the stream has it.
      webSocket.prependListener('message', (_, isBinary) => {
        if (isBinary) return;
        webSocket.close(1003);
        stream.destroy();
      });
      connected(stream, { protocol: 'ws', peer });
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
