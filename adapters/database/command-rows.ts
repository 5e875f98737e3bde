/** Commands as rows: the columns that a query has to select, and the record that they make. */
import type { CommandMode, CommandRecord, CommandState, CommandTransition } from '../../contracts/commands.ts';

export type CommandRow = {
  command_id: string;
  tenant_id: number;
  device_id: string;
  shard: number;
  name: string;
  parameters_json: string;
  mode: CommandMode;
  priority: number;
  supersedes: string | null;
  idempotency_key: string | null;
  request_hash: string | null;
  job_id: string | null;
  resend_of: string | null;
  requested_by: string;
  created_ms: number;
  deadline_ms: number;
  state: CommandState;
  attempt: number;
  transitions: CommandTransition[];
  /** JSON text: an answer may be `null`, which is something else than none. */
  result: string | null;
  error: string | null;
  ended_ms: number | null;
};

const msOf = (column: string): string => `(extract(epoch FROM c.${column}) * 1000)::int8`;

/** Of `command c`, joined with `device d`. */
export const COMMAND_COLUMNS = `c.command_id, c.tenant_id, d.device_id, c.shard, c.name, c.parameters::text AS parameters_json, c.mode, c.priority,
  c.supersedes, c.idempotency_key, c.request_hash, c.job_id, c.resend_of, c.requested_by,
  ${msOf('created_at')} AS created_ms, ${msOf('deadline_at')} AS deadline_ms, c.state, c.attempt, c.transitions,
  c.result::text AS result, c.error::text AS error, ${msOf('ended_at')} AS ended_ms`;

export const commandOf = (row: CommandRow): CommandRecord & { deviceId: string; tenantId: number } => ({
  ...commandRecordOf(row),
  deviceId: row.device_id,
  tenantId: row.tenant_id,
});

export const commandRecordOf = (row: CommandRow): CommandRecord => ({
  id: row.command_id,
  shard: row.shard,
  name: row.name,
  parametersJson: row.parameters_json,
  mode: row.mode,
  priority: row.priority,
  supersedes: row.supersedes,
  createdAtMs: row.created_ms,
  deadlineMs: row.deadline_ms,
  idempotencyKey: row.idempotency_key,
  requestHash: row.request_hash,
  jobId: row.job_id,
  resendOf: row.resend_of,
  requestedBy: row.requested_by,
  state: row.state,
  attempt: row.attempt,
  transitions: row.transitions,
  endedAtMs: row.ended_ms,
  ...(row.result === null ? {} : { result: JSON.parse(row.result) as unknown }),
  ...(row.error === null ? {} : { error: JSON.parse(row.error) as unknown }),
});
