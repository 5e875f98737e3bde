import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row, Transaction } from '../../adapters/database/database.ts';
import { auditedInBoth } from '../../services/organizations/changing.ts';
import { program } from '../support/principals.ts';

/** Each holds the end of one log until its transaction ends: in another order two of them would wait for each other. */
test('who writes to the logs of two organizations does so in the order of the organizations', async () => {
  const of = async (own: number, other: number) => {
    const written: unknown[] = [];
    const query = async <R extends Row>(_sql: string, [tenantId]: readonly unknown[] = []): Promise<R[]> => {
      written.push(tenantId);
      return [];
    };
    const row = { tenant_id: other, slug: 'x' } as Parameters<typeof auditedInBoth>[2];
    await auditedInBoth({ query } satisfies Transaction, { meta: { principal: program(own) } }, row, 'x.done', {});
    return written;
  };
  assert.deepEqual(await of(1, 5), [1, 5]);
  assert.deepEqual(await of(5, 1), [1, 5]);
  assert.deepEqual(await of(5, 5), [5]);
});
