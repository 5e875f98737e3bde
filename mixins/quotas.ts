/**
 * Quotas of organizations. Triggers count what they have (`tenant_usage`), and the function `within_quota` of the database compares: exactly,
 * whoever adds at the same time, and without registrations waiting for each other while the quota is far away. See docs/identity.md.
 */
import { LRUCache } from 'lru-cache';
import type { Database, Transaction } from '../adapters/database/database.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { Limits } from '../contracts/limits.ts';
import type { CountedQuota, Quotas } from '../contracts/quotas.ts';

export type QuotaLimits = Pick<
  Limits,
  'tenantDevices' | 'tenantUsers' | 'tenantApiKeys' | 'tenantMessagesPerSecond' | 'tenantRequestsPerSecond'
>;

/** Those of an organization that has some of its own; without `own` the usual ones. */
export const quotasFrom = (limits: QuotaLimits, own: Partial<Quotas> = {}): Quotas => ({
  devices: own.devices ?? limits.tenantDevices,
  users: own.users ?? limits.tenantUsers,
  apiKeys: own.apiKeys ?? limits.tenantApiKeys,
  messagesPerSecond: own.messagesPerSecond ?? limits.tenantMessagesPerSecond,
  requestsPerSecond: own.requestsPerSecond ?? limits.tenantRequestsPerSecond,
});

/**
 * Call it in the transaction that adds them, before it does, and once for all that it adds: what one transaction adds in several steps the others
 * would not know of. Rejects with `quota_exceeded`.
 */
export async function withinQuota(
  tx: Transaction,
  limits: QuotaLimits,
  tenantId: number,
  quota: CountedQuota,
  adding = 1,
): Promise<void> {
  if (adding === 0) return;
  const [row] = await tx.query<{ size: number; used: number; fits: boolean }>(
    'SELECT size, used, fits FROM within_quota($1, $2, $3, $4)',
    [tenantId, quota, quotasFrom(limits)[quota], adding],
  );
  const { size, used, fits } = row!;
  if (fits) return;
  throw new SkeinError(
    'quota_exceeded',
    `The quota "${quota}" is ${size}, of which ${used} are used: no room for ${adding} more`,
    {
      quota,
      size,
      used,
    },
  );
}

/** The quotas of each tenant, some seconds old at most. */
export type QuotaReader = {
  /** At once for a tenant that was asked about a short while ago. Without the database what was known last counts, else the usual ones. */
  of(tenantId: number): Quotas | Promise<Quotas>;
};

export function quotasOf(
  database: Pick<Database, 'query'>,
  limits: QuotaLimits & Pick<Limits, 'quotaCacheTenants' | 'quotaCacheSeconds'>,
): QuotaReader {
  const usual = quotasFrom(limits);
  const cache = new LRUCache<number, Quotas>({
    max: limits.quotaCacheTenants,
    ttl: limits.quotaCacheSeconds * 1000,
    allowStaleOnFetchRejection: true,
    noDeleteOnFetchRejection: true,
    noDeleteOnStaleGet: true,
    fetchMethod: async tenantId => {
      const [row] = await database.query<{ quotas: Partial<Quotas> }>(
        'SELECT quotas FROM tenant WHERE tenant_id = $1',
        [tenantId],
      );
      return quotasFrom(limits, row?.quotas);
    },
  });
  return {
    of: tenantId =>
      cache.get(tenantId) ??
      cache.fetch(tenantId).then(
        found => found ?? usual,
        () => usual,
      ),
  };
}
