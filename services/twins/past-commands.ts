/** Commands of a device as they were at a time. */
import type { Database, Row } from '../../adapters/database/database.ts';
import { type CommandMode, type CommandTransition, PRIORITIES } from '../../contracts/commands.ts';
import type { PastCommandView } from '../../contracts/twins.contract.ts';

/** Ids and times of creation come from the clock of one node; a library may run ahead of it by a little. */
const ID_SLACK_MS = 60_000;

/** Ids tell when they were made, so those of later commands are not looked at. */
const OPEN_SQL = `
SELECT command_id AS id, name, mode, priority, transitions, created_at AS "createdAt", deadline_at AS deadline
FROM command
WHERE device_uid = $1::int8 AND command_id <= $3::uuid AND created_at <= 'epoch'::timestamptz + $2::float8 * interval '1 millisecond'
  AND (ended_at IS NULL OR ended_at > 'epoch'::timestamptz + $2::float8 * interval '1 millisecond')
ORDER BY command_id`;

/** Those that were there and had not ended, the oldest first. Rejects with a DatabaseError. */
export async function openCommandsAt(database: Database, deviceUid: number, atMs: number): Promise<PastCommandView[]> {
  const rows = await database.query<CommandRow>(OPEN_SQL, [deviceUid, atMs, lastIdOf(atMs + ID_SLACK_MS)]);
  return rows.map(row => viewAt(row, atMs));
}

type CommandRow = Row & {
  id: string;
  name: string;
  mode: CommandMode;
  priority: number;
  transitions: CommandTransition[];
  createdAt: Date;
  deadline: Date;
};

/** Another node's clock may have made the first transition a little after the command: then it was queued. */
function viewAt(
  { id, name, mode, priority, transitions, createdAt, deadline }: CommandRow,
  atMs: number,
): PastCommandView {
  const { state, attempt } = transitions.findLast(it => it.atMs <= atMs) ?? { state: 'queued', attempt: 0 };
  return {
    id,
    command: name,
    state,
    attempt,
    createdAt: createdAt.toISOString(),
    deadline: deadline.toISOString(),
    priority: PRIORITIES[priority]!,
    mode,
  };
}

/** The greatest UUID of version 7 of that millisecond: RFC 9562, section 5.7. */
function lastIdOf(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7fff-bfff-ffffffffffff`;
}
