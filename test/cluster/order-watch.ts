/**
 * Writes down, inside the database, who stored what and when, and finds afterwards what must not have happened:
 * a commit for a shard by someone who did not hold it; commits of two owners of a shard mixed up; a device's message stored
 * before an earlier one; a shard without an owner at the end.
 */
import { deviceAddress } from '../../contracts/addresses.ts';
import { Finding } from '../faults/ledger-comparison.ts';
import {
  DEVICE_SHARDS_SQL,
  INSTALL_SQL,
  INTERLEAVED_SQL,
  MESSAGES_SQL,
  NOT_HOLDER_SQL,
  OUT_OF_ORDER_SQL,
  UNHELD_SQL,
} from './order-watch.sql.ts';

/** A connection of the test's own to the database, past all nodes. */
export type Query = (sql: string, params?: unknown[]) => Promise<Record<string, unknown>[]>;

/** The schema must be there and the devices registered; nothing may have been stored yet. */
export async function installOrderWatch(query: Query, deviceIds: readonly string[]): Promise<void> {
  await query(INSTALL_SQL);
  const shards = deviceIds.map(id => deviceAddress('default', id).shard);
  await query(DEVICE_SHARDS_SQL, [deviceIds, shards]);
}

const RULES = {
  notHolder: NOT_HOLDER_SQL,
  interleaved: INTERLEAVED_SQL,
  outOfOrder: OUT_OF_ORDER_SQL,
  unheld: UNHELD_SQL,
} as const;
type Rule = keyof typeof RULES;

export type OrderFindings = Readonly<Record<Rule, Finding>> & {
  /** How many messages the watch saw: as many as are stored, or it can't be believed. */
  readonly messages: number;
};

/** While the nodes still run: afterwards no shard has an owner. */
export async function checkOrder(query: Query): Promise<OrderFindings> {
  const [seen] = await query(MESSAGES_SQL);
  const found = { messages: seen!.messages as number } as Record<Rule, Finding> & { messages: number };
  for (const rule of Object.keys(RULES) as Rule[]) found[rule] = await find(query, RULES[rule]);
  return found;
}

async function find(query: Query, sql: string): Promise<Finding> {
  const finding = new Finding();
  const rows = await query(`SELECT *, count(*) OVER ()::int AS of_all FROM (${sql}) AS found LIMIT ${Finding.SHOWN}`);
  for (const { of_all, ...row } of rows) finding.add(() => JSON.stringify(row));
  if (rows[0] !== undefined) finding.count = rows[0].of_all as number;
  return finding;
}

/** The rules that were broken, in words; none when all were kept. */
export const brokenRules = (findings: OrderFindings): string[] =>
  (Object.keys(RULES) as Rule[])
    .filter(rule => findings[rule].count > 0)
    .map(rule => `${findings[rule].count} ${rule}: ${findings[rule].examples.join('; ')}`);
