/** The audit log: reading it, and looking whether it is whole. */
import type { ServiceSchema } from 'moleculer';
import { audit } from '../contracts/audit.contract.ts';
import { implement, on } from '../contracts/contract.ts';
import { memberOf } from '../mixins/callers.ts';
import { NUMBER_POSITION, pageOf, pageSize, positionOf } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { auditView, listEntries, verifyChain } from './audit/audit-rows.ts';
import { RefusedActs } from './audit/refused-acts.ts';
import type { Node } from './node.ts';

export function auditService({ config, database, log }: Pick<Node, 'config' | 'database' | 'log'>): ServiceSchema {
  const { limits } = config;
  const refused = new RefusedActs({
    database,
    maxActs: limits.auditRefusedMax,
    flushMs: limits.auditRefusedFlushMs,
    onError: err => log.error({ err }, 'refused acts could not be written to the audit log'),
  });
  return implement(
    audit,
    {
      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor, ...filter } = ctx.params;
        const list = ['audit', tenantId, filter];
        const size = pageSize(limit, limits);
        const [before] = positionOf<[number]>(list, cursor, NUMBER_POSITION) ?? [];
        const rows = await listEntries(database, tenantId, filter, before, size + 1);
        return pageOf(list, rows, size, auditView, row => [row.seq]);
      },

      verify(ctx) {
        return verifyChain(database, memberOf(ctx).tenantId, ctx.params.after ?? 0, limits.auditVerifyMaxEntries);
      },
    },
    {
      ...databaseErrors,
      events: on(audit.refused, act => refused.add(act)),
      stopped: () => refused.stop(),
    },
  );
}
