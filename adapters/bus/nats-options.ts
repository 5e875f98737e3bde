/** How we connect to NATS. */
import type { Transporters } from 'moleculer';

export type NatsOptions = ConstructorParameters<typeof Transporters.NATS>[0] & { readonly servers: string[] };

/** A server that does not answer the handshake within this time counts as away. */
const CONNECT_TIMEOUT_MS = 2_000;
/** With two pings without an answer the third finds the connection dead: 6 s after the last sign of life. */
const PING_INTERVAL_MS = 2_000;
const PINGS_UNANSWERED = 2;
const RECONNECT_WAIT_MS = 500;

/**
 * @param natsUrl one `nats://` or `tls://` URL or several with commas, as config.ts checked it. User and password (or a token: a
 *   user alone) are taken from the first that has them; one `tls://` makes TLS a must for all.
 * @param name what NATS shows of this client
 */
export function natsOptions(natsUrl: string, name: string): NatsOptions {
  const urls = natsUrl.split(',').map(url => new URL(url.trim()));
  const account = urls.find(url => url.username !== '');
  return {
    servers: urls.map(url => url.host),
    name,
    ...accountOptions(account),
    ...(urls.some(url => url.protocol === 'tls:') && { tls: {} }),
    timeout: CONNECT_TIMEOUT_MS,
    // A black-holed connection has no end by itself.
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_UNANSWERED,
    // For ever: without the bus a node still serves what is its own, and must come back by itself.
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    // So that the nodes of a large cluster do not come back all at once.
    reconnectJitter: RECONNECT_WAIT_MS,
    reconnectJitterTLS: RECONNECT_WAIT_MS,
    waitOnFirstConnect: false,
  };
}

function accountOptions(url: URL | undefined): { user?: string; pass?: string; token?: string } {
  if (url === undefined) return {};
  const user = decodeURIComponent(url.username);
  return url.password === '' ? { token: user } : { user, pass: decodeURIComponent(url.password) };
}
