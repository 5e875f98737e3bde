/** How we connect to Redis: so that its absence costs next to nothing. It is never the truth. */
import type { RedisOptions } from 'ioredis';
import type { Limits } from '../../contracts/limits.ts';

export type RedisLimits = Pick<Limits, 'redisCommandTimeoutMs'>;

const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_WAIT_MAX_MS = 5_000;

/** @param url `redis://` or `rediss://`, as config.ts checked it: `rediss://user:password@host:port/database` */
export function redisOptions(url: string, { redisCommandTimeoutMs }: RedisLimits): RedisOptions {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 6379),
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    db: Number(pathname.slice(1)) || 0,
    ...(protocol === 'rediss:' && { tls: {} }),
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: redisCommandTimeoutMs,
    // Commands fail at once while it is away, instead of waiting for it to come back.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: attempts => Math.min(attempts * 100, RECONNECT_WAIT_MAX_MS),
    // What many requests ask at the same moment goes in one packet.
    enableAutoPipelining: true,
  };
}
