/** The keys that seal secrets in the database: which there are, a new one, and sealing everything with it. */
import type { ServiceSchema } from 'moleculer';
import { implement } from '../contracts/contract.ts';
import type { DataKeys } from '../contracts/sealing.ts';
import { security } from '../contracts/security.contract.ts';
import { appendAudit } from '../mixins/audit.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import type { Node } from './node.ts';
import { listDataKeys, operatorOnly, rotate } from './security/data-keys.ts';
import { Resealer } from './security/resealer.ts';

export function securityService({
  config,
  database,
  sealer,
  log,
}: Pick<Node, 'config' | 'database' | 'sealer' | 'log'>): ServiceSchema {
  const { limits } = config;
  const resealer = new Resealer({ database, sealer, limits, log });
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let isStopped = false;

  const look = () => {
    working ??= sealer.dataKeys
      .refresh()
      .then(() => resealer.run(() => isStopped))
      .catch(err => log.warn({ err }, 'could not seal secrets with the new data key'))
      .finally(() => {
        working = undefined;
      });
  };

  return implement(
    security,
    {
      async listDataKeys(ctx) {
        operatorOnly(ctx);
        return { items: await listDataKeys(database), nextCursor: null };
      },

      async rotateDataKeys(ctx) {
        operatorOnly(ctx);
        return rotate(database, sealer.dataKeys, limits.dataKeysMax, ctx);
      },
    },
    {
      ...databaseErrors,
      async started() {
        if (sealer.dataKeys.rewrapped > 0) await noteNewSystemKey(database, sealer.dataKeys);
        timer = setInterval(look, limits.dataKeyReadSeconds * 1_000).unref();
      },
      async stopped() {
        isStopped = true;
        clearInterval(timer);
        await working;
      },
    },
  );
}

/** What an operator did with the settings is known only here. */
async function noteNewSystemKey(database: Node['database'], dataKeys: DataKeys): Promise<void> {
  const [operator] = await database.query<{ tenant_id: number }>(
    'SELECT tenant_id FROM tenant WHERE is_operator ORDER BY 1 LIMIT 1',
  );
  if (operator === undefined) return;
  await appendAudit(database, {
    tenantId: operator.tenant_id,
    actor: 'system',
    act: 'system_key.replaced',
    target: `system key ${dataKeys.fingerprint}`,
    address: null,
    result: 'done',
    data: { dataKeys: dataKeys.rewrapped },
  });
}
