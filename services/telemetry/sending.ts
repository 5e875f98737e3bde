/** Sends items through the devices' actors, like messages of the devices themselves, and waits for all of them. */
import type { Database } from '../../adapters/database/database.ts';
import type { Principal } from '../../contracts/access.contract.ts';
import { isDeviceId } from '../../contracts/addresses.ts';
import type { Idempotency } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Ingress, Outcome, Uplink } from '../../contracts/uplinks.ts';
import { deviceIdOf, readingOf } from '../../mixins/telemetry-items.ts';
import { uplinkOf, withMessageId } from './items.ts';

export type Sent = { accepted: number; rejected: { index: number; reason: string }[] };
/** `within`: only to devices that fit, as `limitOf` says it. */
type Manner = { readonly idempotency: Idempotency | undefined; readonly within: string | null };
type Parts = { readonly database: Database; readonly ingress: Ingress; readonly limits: Limits };

export async function send(
  { database, ingress, limits }: Parts,
  caller: Principal,
  items: readonly unknown[],
  { idempotency, within }: Manner,
): Promise<Sent> {
  const own = caller.kind === 'device' ? caller.device : undefined;
  const ids = items.map(item => deviceIdOf(item, own));
  if (own !== undefined && ids.some(id => id !== own && id !== ''))
    throw new SkeinError('forbidden', 'A device key sends for its own device only');
  const known =
    own === undefined
      ? await knownDevices(database, caller.tenantId, ids, limits.deviceIdMaxLength, within)
      : new Set([own]);
  const nowMs = Date.now();
  const outcomes = items.map((item, index): Promise<Outcome> | Outcome => {
    const id = ids[index]!;
    if (id === '') return refusal('invalid_shape');
    if (!known.has(id)) return refusal('device_unknown');
    const reading = withMessageId(readingOf(item as Record<string, unknown>), index, idempotency);
    return receive(ingress, uplinkOf(caller.tenant, id, reading, nowMs, limits));
  });
  return summary(await Promise.all(outcomes));
}

export const receive = (ingress: Ingress, uplink: Uplink): Promise<Outcome> =>
  new Promise(resolve => ingress.receive(uplink, resolve));

const refusal = (reason: 'invalid_shape' | 'device_unknown'): Outcome => ({ state: 'rejected', reason, detail: '' });

async function knownDevices(
  database: Database,
  tenantId: number,
  ids: readonly string[],
  idMaxLength: number,
  within: string | null,
): Promise<Set<string>> {
  const possible = [...new Set(ids)].filter(id => isDeviceId(id, idMaxLength));
  if (possible.length === 0) return new Set();
  const rows = await database.query<{ device_id: string }>(
    `SELECT device_id FROM device d WHERE tenant_id = $1 AND device_id = ANY($2)
       AND ($3::text IS NULL OR device_fits(d, $3::text::jsonb))`,
    [tenantId, possible, within],
  );
  return new Set(rows.map(row => row.device_id));
}

function summary(outcomes: readonly Outcome[]): Sent {
  const rejected: Sent['rejected'] = [];
  outcomes.forEach((outcome, index) => {
    if (outcome.state === 'rejected') rejected.push({ index, reason: outcome.reason });
    else if (outcome.state === 'overloaded')
      throw new SkeinError('overloaded', 'Not all was stored; send it again later');
    else if (outcome.state !== 'stored' && outcome.state !== 'duplicate')
      throw new SkeinError('unknown_outcome', 'It is not known whether all was stored');
  });
  return { accepted: outcomes.length - rejected.length, rejected };
}
