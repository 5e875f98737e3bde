/** Reads what the server stored of commands, past the server. */

import type { Connection } from '../../../bench/measure/stored.ts';
import type { CommandTransition } from '../../../contracts/commands.ts';
import type { DeadLetter, StoredCommand } from './command-account.ts';

type EventData = Omit<CommandTransition, 'atMs'> & { readonly id: string };

export async function readCommands(connection: Pick<Connection, 'query'>): Promise<StoredCommand[]> {
  const rows = await connection.query(
    `SELECT command_id::text AS id, device_id, mode, c.state, attempt, idempotency_key, transitions
     FROM command c JOIN device USING (device_uid) ORDER BY command_id`,
  );
  const events = await readEvents(connection);
  return rows.map(row => ({
    id: row.id as string,
    deviceId: row.device_id as string,
    mode: row.mode as StoredCommand['mode'],
    state: row.state as StoredCommand['state'],
    attempt: row.attempt as number,
    idempotencyKey: row.idempotency_key as string | null,
    transitions: row.transitions as CommandTransition[],
    events: events.get(row.id as string) ?? [],
  }));
}

async function readEvents(connection: Pick<Connection, 'query'>): Promise<Map<string, CommandTransition[]>> {
  const rows = await connection.query(
    `SELECT data, (extract(epoch FROM at) * 1000)::float8 AS at_ms FROM event WHERE kind = 'device.command' ORDER BY tx, event_id`,
  );
  const events = new Map<string, CommandTransition[]>();
  for (const row of rows) {
    const { id, state, attempt, reason } = row.data as EventData;
    const step = { state, atMs: row.at_ms as number, attempt, reason };
    const before = events.get(id);
    if (before === undefined) events.set(id, [step]);
    else before.push(step);
  }
  return events;
}

export async function readDeadLetters(connection: Pick<Connection, 'query'>): Promise<DeadLetter[]> {
  const rows = await connection.query('SELECT device_id, reason, kind, payload FROM dead_letter');
  return rows.map(({ device_id: deviceId, reason, kind, payload }) => {
    const said =
      kind === 'ack' ? (JSON.parse(Buffer.from(payload as Uint8Array).toString()) as Partial<DeadLetter>) : {};
    return { deviceId: deviceId as string, reason: reason as string, id: said.id, status: said.status };
  });
}
