/** New devices, one or many with one statement: their rows, keys, first step of their lifecycle, and the groups that they are put into. */
import type { Transaction } from '../adapters/database/database.ts';
import type { DeviceFields, LifecycleState } from '../contracts/devices.contract.ts';

export type NewDevice = {
  readonly id: string;
  /** Checked before: `checkFields` of device-fields.ts. */
  readonly fields: DeviceFields;
  /** Those that are not there are left out. */
  readonly groups?: readonly string[];
  /** Its first API key; only the hash of its secret is stored. */
  readonly key?: { readonly id: string; readonly hash: Uint8Array };
};
export type Registration = {
  readonly tenantId: number;
  readonly state: LifecycleState;
  /** As the audit log names it: `user 0193...`. */
  readonly by: string;
};

/**
 * Answers the numbers of those that it made, by their ids. One that is missing there was not made, because its id was ever used in this tenant;
 * decommissioned or not.
 */
export async function insertDevices(
  tx: Pick<Transaction, 'query'>,
  { tenantId, state, by }: Registration,
  devices: readonly NewDevice[],
): Promise<Map<string, number>> {
  const made = await tx.query<{ device_uid: number; device_id: string }>(INSERT, [
    tenantId,
    state,
    by,
    JSON.stringify(devices.map(rowOf)),
  ]);
  return new Map(made.map(it => [it.device_id, it.device_uid]));
}

const rowOf = ({ id, fields, groups = [], key }: NewDevice) => ({
  device_id: id,
  name: fields.name ?? null,
  device_type: fields.type ?? null,
  location: fields.location ?? null,
  metadata: fields.metadata ?? {},
  tags: [...new Set(fields.tags)],
  capabilities: [...new Set(fields.capabilities)],
  command_window: fields.commandWindow ?? null,
  groups,
  key_id: key?.id ?? null,
  key_hash: key === undefined ? null : Buffer.from(key.hash).toString('hex'),
});

/** By their ids, so that two that make the same devices wait for each other instead of ending each other. */
const INSERT = `
WITH wanted AS (
  SELECT * FROM jsonb_to_recordset($4::text::jsonb) AS it (
    device_id text, name text, device_type text, location jsonb, metadata jsonb, tags text[], capabilities text[],
    command_window smallint, groups text[], key_id text, key_hash text)),
made AS (
  INSERT INTO device (
    tenant_id, device_id, state, name, device_type, location, metadata, tags, capabilities, command_window)
  SELECT $1, device_id, $2, name, device_type, NULLIF(location, 'null'), metadata, tags, capabilities, command_window
  FROM wanted ORDER BY device_id
  ON CONFLICT (tenant_id, device_id) DO NOTHING RETURNING device_uid, device_id),
keyed AS (
  INSERT INTO device_key (key_id, device_uid, secret_hash)
  SELECT key_id, device_uid, decode(key_hash, 'hex') FROM made JOIN wanted USING (device_id) WHERE key_id IS NOT NULL),
stepped AS (
  INSERT INTO device_lifecycle (device_uid, to_state, changed_by) SELECT device_uid, $2, $3 FROM made),
grouped AS (
  INSERT INTO device_group_member (group_uid, device_uid)
  SELECT DISTINCT group_uid, made.device_uid FROM made JOIN wanted USING (device_id)
  CROSS JOIN unnest(wanted.groups) AS named (group_name)
  JOIN device_group ON device_group.tenant_id = $1 AND device_group.name = named.group_name)
SELECT device_uid, device_id FROM made`;
