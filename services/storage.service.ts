/** What storage takes: for people, and for metrics. */
import type { ServiceSchema } from 'moleculer';
import { implement } from '../contracts/contract.ts';
import { storage } from '../contracts/storage.contract.ts';
import { memberOf } from '../mixins/callers.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import type { Node } from './node.ts';
import { countUsage, type SystemUsage, systemView, tenantView } from './storage/usage.ts';

export function storageService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  let latest: { readonly atMs: number; readonly usage: Promise<SystemUsage> } | undefined;
  /** Counting looks at each partition, so all who ask within a while get the same. */
  const counted = (): Promise<SystemUsage> => {
    const nowMs = performance.now();
    if (latest === undefined || nowMs - latest.atMs > config.limits.storageUsageKeepSeconds * 1_000) {
      const usage = countUsage(database);
      latest = { atMs: nowMs, usage };
      usage.catch(() => {
        latest = undefined;
      });
    }
    return latest.usage;
  };

  return implement(
    storage,
    {
      async usage(ctx) {
        const { tenantId, isOperator } = memberOf(ctx);
        const usage = await counted();
        return isOperator ? systemView(usage) : tenantView(database, usage, tenantId);
      },

      async health() {
        const { groups, compressionRatio } = await counted();
        const figures: Record<string, number> = {};
        for (const { kind, tier, bytes, rows } of groups) {
          const name = kind === 'archive' ? 'archive' : kind + tier[0]!.toUpperCase() + tier.slice(1);
          figures[`${name}Bytes`] = bytes;
          figures[`${name}Rows`] = rows;
        }
        if (compressionRatio !== null) figures.compressionRatio = compressionRatio;
        return { condition: 'healthy' as const, figures };
      },
    },
    databaseErrors,
  );
}
