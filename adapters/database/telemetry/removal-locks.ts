/** Holds and removals exclude each other: a hold waits until removals under way have ended, and those that begin after it see it. */
import type { Transaction } from '../database.ts';

type Querying = Pick<Transaction, 'query'>;

/** No tenant has this number. One lock is about all of them: a server has room for some thousands, and there may be more tenants. */
const ALL = 0;

/** Before it is looked whether something is held; of all tenants when none is named. Until the transaction ends nobody makes a hold. */
export async function waitForHolds(tx: Querying, tenantId: number = ALL): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock_shared(telemetry_removal_lock($1::int))', [tenantId]);
}

/** Before a hold is made. Until the transaction ends nothing of the tenant is removed. */
export async function waitForRemovals(tx: Querying, tenantId: number): Promise<void> {
  for (const id of [ALL, tenantId])
    await tx.query('SELECT pg_advisory_xact_lock(telemetry_removal_lock($1::int))', [id]);
}
