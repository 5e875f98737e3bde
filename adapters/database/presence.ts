/** Where devices are connected, as far as the database knows: what a device's session and the run of its process say together. */
import type { Limits } from '../../contracts/limits.ts';
import type { Database } from './database.ts';

/**
 * - `online`: it is connected to a process whose lease runs. - `unknown`: it was connected to a process that ended or fell
 * silent just now; the device may be connecting elsewhere. - `offline`: anything else.
 */
export type PresenceStatus = 'online' | 'unknown' | 'offline';

/** The newest session of a device; null where it never had one, or where that has no end. */
export type DevicePresence = {
  readonly deviceId: string;
  readonly status: PresenceStatus;
  readonly session: number | null;
  readonly nodeId: string | null;
  readonly protocol: string | null;
  readonly peer: string | null;
  readonly connectedAt: Date | null;
  readonly disconnectedAt: Date | null;
  /** Why it was disconnected. */
  readonly reason: string | null;
  /** What it takes, while it is connected: bits of `RECEIVES`. */
  readonly receives: number;
};

/**
 * A process ends when it is closed or when its lease runs out, whichever is first (`least` passes over NULL). Its row may be
 * gone: then it ended days ago. `$2`: the grace in seconds.
 */
const STATUS_SQL = `CASE
    WHEN s.session IS NULL OR s.disconnected_at IS NOT NULL OR n.instance_id IS NULL THEN 'offline'
    WHEN n.state <> 'closed' AND n.expires_at > clock_timestamp() THEN 'online'
    WHEN least(n.closed_at, n.expires_at) + $2::float8 * interval '1 second' > clock_timestamp() THEN 'unknown'
    ELSE 'offline'
  END`;
const COLUMNS_SQL = `d.device_id AS "deviceId", ${STATUS_SQL} AS status,
  s.session, s.node_id AS "nodeId", s.protocol, s.peer,
  s.connected_at AS "connectedAt", s.disconnected_at AS "disconnectedAt", s.reason,
  CASE WHEN s.disconnected_at IS NULL THEN coalesce(s.receives, 0) ELSE 0 END AS receives`;
const ALL_SQL = `FROM device d
LEFT JOIN device_session s USING (device_uid)
LEFT JOIN node_session n USING (instance_id)
WHERE d.tenant_id = $1`;
/** Whatever is not offline is connected, so nothing else is looked at. */
const CONNECTED_SQL = `FROM device_session s
JOIN node_session n USING (instance_id)
JOIN device d USING (device_uid)
WHERE d.tenant_id = $1 AND s.disconnected_at IS NULL`;

const PRESENCE_SQL = `SELECT ${COLUMNS_SQL} ${ALL_SQL} AND d.device_id = ANY ($3::text[]) ORDER BY d.device_id`;

/** The presence of those of these devices that exist, by their ids. Rejects with a DatabaseError. */
export async function readPresence(
  database: Database,
  tenantId: number,
  deviceIds: readonly string[],
  { presenceGraceSeconds }: Pick<Limits, 'presenceGraceSeconds'>,
): Promise<Map<string, DevicePresence>> {
  const rows = await database.query<DevicePresence>(PRESENCE_SQL, [tenantId, presenceGraceSeconds, deviceIds]);
  return new Map(rows.map(row => [row.deviceId, row]));
}

export type PresenceFilter = {
  readonly status?: PresenceStatus;
  readonly nodeId?: string;
  /** Only devices that fit, for the function `device_fits`; null or absent: all. */
  readonly within?: string | null;
};

/** Devices of a tenant by their ids, after `after`, each with its presence. Rejects with a DatabaseError. */
export function listPresence(
  database: Database,
  tenantId: number,
  { status, nodeId, within }: PresenceFilter,
  after: string | undefined,
  limit: number,
  { presenceGraceSeconds }: Pick<Limits, 'presenceGraceSeconds'>,
): Promise<DevicePresence[]> {
  const rows = status === 'online' || status === 'unknown' ? CONNECTED_SQL : ALL_SQL;
  return database.query<DevicePresence>(
    `SELECT ${COLUMNS_SQL} ${rows}
       AND ($3::text IS NULL OR d.device_id > $3) AND ($4::text IS NULL OR s.node_id = $4)
       AND ($5::text IS NULL OR ${STATUS_SQL} = $5)
       AND ($7::text IS NULL OR device_fits(d, $7::text::jsonb))
     ORDER BY d.device_id LIMIT $6::int4`,
    [tenantId, presenceGraceSeconds, after ?? null, nodeId ?? null, status ?? null, limit, within ?? null],
  );
}

const COUNT_SQL = `SELECT count(*)::int AS count ${CONNECTED_SQL}
AND n.state <> 'closed' AND n.expires_at > clock_timestamp()`;

/** How many devices of a tenant are online, on all nodes together. Rejects with a DatabaseError. */
export async function countOnline(database: Database, tenantId: number): Promise<number> {
  const [row] = await database.query<{ count: number }>(COUNT_SQL, [tenantId]);
  return row!.count;
}
