/** The statement that lists commands. It reads a bounded part of one index, whatever is asked for. */
import { COMMAND_COLUMNS, type CommandRow } from '../../adapters/database/command-rows.ts';
import type { Database } from '../../adapters/database/database.ts';
import { BAD_ENDS, type CommandState, isOpen } from '../../contracts/commands.ts';
import { isGiven } from '../../contracts/json.ts';
import type { Piece } from '../../mixins/pieces.ts';

export type CommandFilter = {
  readonly deviceUid?: number;
  readonly state?: CommandState;
  readonly command?: string;
  readonly jobId?: string;
  readonly endedBadly?: boolean;
  /** Only of devices that fit, for the function `device_fits` of the database; null: of all. */
  readonly within?: string | null;
};
/** `looked`: how many commands were looked at until this one. */
export type ListedRow = CommandRow & { readonly looked: number };

const NEWEST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * Newest first, those older than the one with the id `before`; at most `scan` are looked at for what no index knows.
 *
 * @returns as `reach`, where it ended to look when that is not the end
 */
export async function listCommands(
  database: Database,
  tenantId: number,
  filter: CommandFilter,
  before: string | undefined,
  limit: number,
  scan: number,
): Promise<Piece<ListedRow, string>> {
  const { sql, params } = statement(tenantId, filter, before, limit, scan);
  const rows = await database.query<ListedRow & { reach: string | null }>(sql, params);
  const reach = rows[0]?.reach ?? undefined;
  return { rows: rows.filter(row => row.command_id !== null), ...(reach !== undefined && { reach }) };
}

export function statement(
  tenantId: number,
  filter: CommandFilter,
  before: string | undefined,
  limit: number,
  scan: number,
): { readonly sql: string; readonly params: readonly unknown[] } {
  const params: unknown[] = [tenantId];
  const place = (value: unknown): string => `$${params.push(value)}`;
  const { range, key } = rangeOf(filter, place, place(before ?? NEWEST), before === undefined ? '<=' : '<');
  const rest = restOf(filter, place);
  const [most, far] = [`${place(limit)}::int4`, `${place(rest.length > 0 ? scan : limit)}::int4`];
  // The same order with and without the key; but only the index that is meant has it like this, and no other one tempts the planner.
  const order = `ORDER BY c.${key} DESC, c.command_id DESC`;
  const sql = `
WITH page AS MATERIALIZED (
  SELECT * FROM (
    SELECT c.*, row_number() OVER (${order}) AS looked
    FROM (SELECT * FROM command c WHERE ${range} ${order} LIMIT ${far}) c
  ) c WHERE ${['true', ...rest].join(' AND ')} ${order} LIMIT ${most}
)
SELECT ${rest.length === 0 ? 'NULL::uuid' : reachOf(range, order, most, far)} AS reach, c.looked, ${COMMAND_COLUMNS}
FROM (VALUES (1)) one LEFT JOIN (page c JOIN device d ON d.device_uid = c.device_uid) ON true
ORDER BY c.command_id DESC`;
  return { sql, params };
}

/** Looked for only when the page is not full. */
const reachOf = (range: string, order: string, most: string, far: string): string =>
  `CASE WHEN (SELECT count(*) FROM page) < ${most} THEN (
    SELECT c.command_id FROM command c WHERE ${range} ${order} OFFSET ${far} - 1 LIMIT 1) END`;

type Place = (value: unknown) => string;

/** Which part of which index, by the first column of it. */
function rangeOf(
  { deviceUid, jobId, state, endedBadly }: CommandFilter,
  place: Place,
  before: string,
  less: '<' | '<=',
) {
  const of = (key: string, value: string, also = ''): { range: string; key: string } => ({
    key,
    range: `c.${key} >= ${value} AND (c.${key}, c.command_id) ${less} (${value}, ${before}::uuid)${also}`,
  });
  if (isGiven(deviceUid)) return of('device_uid', `${place(deviceUid)}::int8`, ' AND c.tenant_id = $1::int4');
  if (isGiven(jobId)) return of('job_id', `${place(jobId)}::uuid`, ' AND c.tenant_id = $1::int4');
  if (endedBadly === true || BAD_ENDS.some(it => it === state))
    return of('tenant_id', '$1::int4', ' AND c.ended_badly');
  if (isGiven(state) && isOpen(state)) return of('tenant_id', '$1::int4', ' AND c.ended_at IS NULL');
  return of('tenant_id', '$1::int4');
}

/** What has to be looked at one by one. */
function restOf({ deviceUid, jobId, state, command, endedBadly, within }: CommandFilter, place: Place): string[] {
  const rest: string[] = [];
  if (isGiven(state)) rest.push(`c.state = ${place(state)}`);
  if (isGiven(command)) rest.push(`c.name = ${place(command)}`);
  if (isGiven(deviceUid) && isGiven(jobId)) rest.push(`c.job_id = ${place(jobId)}::uuid`);
  if (isGiven(within))
    rest.push(`(SELECT device_fits(d, ${place(within)}::text::jsonb) FROM device d WHERE d.device_uid = c.device_uid)`);
  if (endedBadly === true && (isGiven(deviceUid) || isGiven(jobId))) rest.push('c.ended_badly');
  return rest;
}
