/** What the database says of all commands, past the system. */
import type { Connection } from '../../measure/stored.ts';

/** `repeated`: commands with more than one attempt. `takenBack`: attempts that certainly did not leave, by why. */
export type StoredReturns = {
  readonly states: Readonly<Record<string, number>>;
  readonly repeated: number;
  readonly takenBack: Readonly<Record<string, number>>;
  readonly sentMs: Float64Array;
  /** The last end of any, milliseconds since 1970. */
  readonly lastEndMs: number;
};

export async function countOpen({ query }: Connection): Promise<number> {
  const [row] = await query('SELECT count(*)::int AS count FROM command WHERE ended_at IS NULL');
  return row!.count as number;
}

export async function readReturns({ query }: Connection): Promise<StoredReturns> {
  const states = await query('SELECT state AS name, count(*)::int AS count FROM command GROUP BY 1');
  const [ends] = await query(
    `SELECT count(*) FILTER (WHERE attempt > 1)::int AS repeated,
       extract(epoch FROM max(ended_at))::float8 * 1000 AS last_end_ms FROM command`,
  );
  const takenBack = await query(
    `SELECT step->>'reason' AS name, count(*)::int AS count FROM command, jsonb_array_elements(transitions::jsonb) AS step
      WHERE step->>'state' = 'queued' AND step->>'reason' IS NOT NULL GROUP BY 1`,
  );
  const sent = await query(
    `SELECT (step->>'atMs')::float8 AS at_ms FROM command, jsonb_array_elements(transitions::jsonb) AS step
      WHERE step->>'state' = 'sent'`,
  );
  return {
    states: counts(states),
    repeated: ends!.repeated as number,
    takenBack: counts(takenBack),
    sentMs: Float64Array.from(sent, row => row.at_ms as number),
    lastEndMs: ends!.last_end_ms as number,
  };
}

const counts = (rows: readonly Record<string, unknown>[]): Record<string, number> =>
  Object.fromEntries(rows.map(row => [row.name as string, row.count as number]));
