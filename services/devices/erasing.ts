/** What erasing a device means in the database. Every statement can be repeated: what is gone is not there any more. */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import { COLUMNS, type DeviceRow } from './device-rows.ts';
import { eraseTelemetry, refuseHeld } from './erasing-telemetry.ts';

export type Erased = {
  readonly device_uid: number;
  readonly device_id: string;
  readonly tenant_id: number;
  readonly tenant: string;
};

/**
 * Erases what the device's own row and its lifecycle say, and asks for the rest. From the commit on no actor is loaded for it, so nothing new
 * is stored. Again: changes nothing. The id stays reserved, and so does what says nothing of a person: its type, its states and their times.
 * Rejects with `legal_hold`.
 */
export async function beginErasure(tx: Transaction, tenantId: number, deviceUid: number): Promise<DeviceRow> {
  await refuseHeld(tx, tenantId, deviceUid);
  await tx.query('UPDATE device_lifecycle SET reason = NULL WHERE device_uid = $1 AND reason IS NOT NULL', [deviceUid]);
  const [row] = await tx.query<DeviceRow>(
    `UPDATE device SET name = NULL, location = NULL, metadata = '{}', tags = '{}', capabilities = '{}', state_reason = NULL,
       claim_hash = NULL, claim_expires_at = NULL, claimed_by = NULL, claimed_at = NULL,
       erasure_started_at = now(), erasure_due_at = now(), version = version + 1, updated_at = now()
     WHERE device_uid = $1 RETURNING ${COLUMNS}`,
    [deviceUid],
  );
  return row!;
}

/** One piece of one table; answers how many rows were there to be looked at: fewer than `limit`, and it is done. */
type Piece = (db: Database, device: Erased, limit: number) => Promise<number>;

const ofDevice =
  (table: string, which = ''): Piece =>
  async (db, { device_uid }, limit) => {
    const rows = await db.query(
      `DELETE FROM ${table} WHERE ctid IN (SELECT ctid FROM ${table} WHERE device_uid = $1 ${which} LIMIT $2) RETURNING 1 AS gone`,
      [device_uid, limit],
    );
    return rows.length;
  };

const deadLetters: Piece = async (db, { tenant_id, device_id }, limit) => {
  const rows = await db.query(
    `DELETE FROM dead_letter WHERE dead_letter_id IN (
       SELECT dead_letter_id FROM dead_letter WHERE tenant_id = $1 AND device_id = $2 LIMIT $3) RETURNING 1 AS gone`,
    [tenant_id, device_id, limit],
  );
  return rows.length;
};

/** The lines of imports stay, because they are counted, but not what they said. */
const importLines: Piece = async (db, { tenant_id, device_id }) => {
  await db.query(
    `UPDATE device_import_line l SET content = NULL, detail = NULL, sealed = NULL FROM device_import i
     WHERE i.import_id = l.import_id AND i.tenant_id = $1 AND l.device_id = $2
       AND (l.content IS NOT NULL OR l.detail IS NOT NULL OR l.sealed IS NOT NULL)`,
    [tenant_id, device_id],
  );
  return 0;
};

/** The same of files of telemetry. */
const historyLines: Piece = async (db, { tenant_id, device_id }) => {
  await db.query(
    `UPDATE telemetry_import_refusal l SET detail = NULL FROM telemetry_import i
     WHERE i.import_id = l.import_id AND i.tenant_id = $1 AND l.device_id = $2 AND l.detail IS NOT NULL`,
    [tenant_id, device_id],
  );
  return 0;
};

const assets: Piece = async (db, { tenant_id, device_id }) => {
  await db.query(
    `UPDATE asset SET device_id = NULL, version = version + 1, updated_at = now() WHERE tenant_id = $1 AND device_id = $2`,
    [tenant_id, device_id],
  );
  return 0;
};

/** Each is one table. Job items that wait are done first: the job counts them. */
const PIECES: readonly Piece[] = [
  ...['message_receipt', 'device_measurement', 'twin_step', 'device_twin', 'command', 'device_session'].map(it =>
    ofDevice(it),
  ),
  ofDevice('job_item', `AND state <> 'pending'`),
  deadLetters,
  importLines,
  historyLines,
  assets,
  ...['device_group_member', 'device_key', 'device_token', 'legal_hold_device'].map(it => ofDevice(it)),
];

/** Everything that is there now. `goOn` is called before each statement, and may reject. */
export async function eraseRows(db: Database, device: Erased, limit: number, goOn: () => Promise<void>): Promise<void> {
  await eraseTelemetry(db, device, limit, goOn);
  for (const piece of PIECES)
    do await goOn();
    while ((await piece(db, device, limit)) >= limit);
  await eraseEvents(db, device, limit, goOn);
}

/** No index knows the device of an event, so all of its tenant are walked through, in their order. */
async function eraseEvents(db: Database, device: Erased, limit: number, goOn: () => Promise<void>): Promise<void> {
  type Place = { tx: string; event_id: number };
  for (let after: Place | undefined = { tx: '0', event_id: 0 }; after !== undefined; ) {
    await goOn();
    const [last]: Place[] = await db.query<Place>(
      `WITH walked AS (
         SELECT tx, event_id, device_uid FROM event
         WHERE tenant_id = $1 AND (tx, event_id) > ($2::text::xid8, $3::int8) ORDER BY tx, event_id LIMIT $4),
       gone AS (
         DELETE FROM event e USING walked w WHERE w.device_uid = $5 AND e.tx = w.tx AND e.event_id = w.event_id)
       SELECT tx::text AS tx, event_id FROM walked ORDER BY walked.tx DESC, event_id DESC LIMIT 1`,
      [device.tenant_id, after.tx, after.event_id, limit, device.device_uid],
    );
    after = last;
  }
}

/** Whether something waits that only others can end. */
export async function hasPendingItems(db: Database, { device_uid }: Erased): Promise<boolean> {
  const rows = await db.query(`SELECT FROM job_item WHERE device_uid = $1 AND state = 'pending' LIMIT 1`, [device_uid]);
  return rows.length > 0;
}
