/** Whether devices fit the limits of roles: asked one by one, looked up many at once, for all tenants and limits together. */

import type { Database } from '../../adapters/database/database.ts';
import type { ProtocolHost } from '../../adapters/protocols/protocol.ts';
import { BatchReader } from '../../mixins/batch-reader.ts';

type Question = { readonly tenantId: number; readonly device: string; readonly limit: string };

const FITTING = `
  SELECT (asked.n - 1)::int AS at
  FROM unnest($1::int[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (tenant_id, device_id, fits, n)
    JOIN device d USING (tenant_id, device_id)
  WHERE device_fits(d, asked.fits::jsonb)`;

export function fittingIn(database: Pick<Database, 'query'>): ProtocolHost['fits'] {
  const nameOf = ({ tenantId, device, limit }: Question) => `${tenantId} ${device} ${limit}`;
  const reader = new BatchReader<Question, true>({
    nameOf,
    batchMaxKeys: 500,
    waitingMaxKeys: 20_000,
    queriesUnderWay: 1,
    read: async asked => {
      const rows = await database.query<{ at: number }>(FITTING, [
        asked.map(it => it.tenantId),
        asked.map(it => it.device),
        asked.map(it => it.limit),
      ]);
      return new Map(rows.map(({ at }) => [nameOf(asked[at]!), true]));
    },
  });
  return async (tenantId, device, limit) => (await reader.load({ tenantId, device, limit })) === true;
}
