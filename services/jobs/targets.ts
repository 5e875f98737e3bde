/** Which devices a job means: read from what a caller said, and as a condition on the table `device`. */
import type { Transaction } from '../../adapters/database/database.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { JobSummary, JobTarget } from '../../contracts/jobs.contract.ts';
import { isStorableText, type JsonObject } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';

const KINDS = ['group', 'type', 'tag', 'deviceIds'] as const;
const TEXT_MAX_LENGTH = 100;
/** More than any id may have, whatever is configured. */
const DEVICE_ID_ASKED_MAX_LENGTH = 1_000;
/** Named in a refusal: whoever sent thousands does not need them all again. */
const MOST_NAMED = 10;

/** Rejects with `invalid_request`, or with `too_large`. */
export function targetOf(said: JsonObject, limits: Limits): JobTarget {
  const names = Object.keys(said);
  const kind = KINDS.find(it => it === names[0]);
  if (kind === undefined || names.length !== 1)
    throw new SkeinError('invalid_request', `target must have exactly one of ${KINDS.join(', ')}`);
  if (kind === 'deviceIds') return { deviceIds: idsOf(said.deviceIds, limits) };
  const text = said[kind];
  if (typeof text !== 'string' || text === '' || text.length > TEXT_MAX_LENGTH || !isStorableText(text))
    throw new SkeinError('invalid_request', `target.${kind} must be a text of 1 to ${TEXT_MAX_LENGTH} characters`);
  return { [kind]: text } as JobTarget;
}

function idsOf(said: unknown, { jobMaxDevices }: Limits): string[] {
  if (!Array.isArray(said) || !said.every(it => typeof it === 'string'))
    throw new SkeinError('invalid_request', 'target.deviceIds must be a list of texts');
  const ids = [...new Set(said)];
  if (ids.length > jobMaxDevices) throw tooMany(jobMaxDevices);
  return ids;
}

/** As a view shows it. */
export const shownTarget = (target: JobTarget): JobSummary['target'] =>
  'deviceIds' in target ? { deviceIds: target.deviceIds.length } : target;

/** Part of a statement that has the tenant as `$1` and `value` as `$2`. */
export type Condition = { readonly sql: string; readonly value: unknown };

/** Rejects with `not_found` when it names something that is not there. `within`: as `limitOf` says it. */
export async function conditionOf(
  tx: Transaction,
  tenantId: number,
  target: JobTarget,
  within: string | null,
): Promise<Condition> {
  if ('tag' in target) return { sql: 'tags @> ARRAY[$2::text]', value: target.tag };
  if ('group' in target) return ofGroup(tx, tenantId, target.group);
  if ('type' in target) return ofType(tx, tenantId, target.type);
  return ofIds(tx, tenantId, target.deviceIds, within);
}

async function ofGroup(tx: Transaction, tenantId: number, name: string): Promise<Condition> {
  const [group] = await tx.query<{ group_uid: number }>(
    'SELECT group_uid FROM device_group WHERE tenant_id = $1 AND name = $2',
    [tenantId, name],
  );
  if (group === undefined) throw new SkeinError('not_found', `There is no group "${name}"`);
  const sql = 'device_uid IN (SELECT device_uid FROM device_group_member WHERE group_uid = $2::bigint)';
  return { sql, value: group.group_uid };
}

/** Devices may have a type that is not described; one that nobody ever named is a mistake. */
async function ofType(tx: Transaction, tenantId: number, name: string): Promise<Condition> {
  const [known] = await tx.query<{ is_known: boolean }>(
    `SELECT EXISTS (SELECT FROM device_type WHERE tenant_id = $1 AND name = $2)
         OR EXISTS (SELECT FROM device WHERE tenant_id = $1 AND device_type = $2) AS is_known`,
    [tenantId, name],
  );
  if (!known!.is_known) throw new SkeinError('not_found', `There is no device type "${name}"`);
  return { sql: 'device_type = $2::text', value: name };
}

async function ofIds(
  tx: Transaction,
  tenantId: number,
  ids: readonly string[],
  within: string | null,
): Promise<Condition> {
  const missing = await tx.query<{ id: string }>(
    `SELECT id FROM unnest($2::text[]) AS wanted(id)
     WHERE NOT EXISTS (
       SELECT FROM device d WHERE tenant_id = $1 AND device_id = id
         AND ($3::text IS NULL OR device_fits(d, $3::text::jsonb)))`,
    [tenantId, ids.filter(isPossible), within],
  );
  // Those that no device can have are named together with those that none has.
  const unknown = new Set(missing.map(it => it.id));
  const wrong = ids.filter(it => unknown.has(it) || !isPossible(it));
  if (wrong.length > 0) throw unknownDevices(wrong);
  return { sql: 'device_id = ANY($2::text[])', value: ids };
}

/** Whether the database can be asked for it. */
const isPossible = (id: string): boolean => id.length <= DEVICE_ID_ASKED_MAX_LENGTH && isStorableText(id);

function unknownDevices(ids: readonly string[]): SkeinError {
  const named = ids.slice(0, MOST_NAMED).map(it => `"${it.slice(0, TEXT_MAX_LENGTH)}"`);
  const rest = ids.length > named.length ? ` and ${ids.length - named.length} more` : '';
  return new SkeinError('not_found', `There are no devices ${named.join(', ')}${rest}`);
}

export const tooMany = (jobMaxDevices: number): SkeinError =>
  new SkeinError('too_large', `A job is for at most ${jobMaxDevices} devices`);
