/** The rows of keys, with what a principal needs to know of their owners. */
import type { Key } from '../../adapters/access/keys.ts';
import type { Database } from '../../adapters/database/database.ts';
import type { Principal } from '../../contracts/access.contract.ts';
import { BatchReader } from '../../mixins/batch-reader.ts';

export type KeyRow = { readonly hash: Uint8Array; readonly principal: Principal };
type KeyName = Pick<Key, 'kind' | 'id'>;

/** Only keys that work: not revoked, and the device neither suspended nor decommissioned. */
const DEVICE_KEYS = `
  SELECT k.key_id, k.secret_hash, t.slug, t.tenant_id, d.device_id, d.device_uid
  FROM device_key k JOIN device d USING (device_uid) JOIN tenant t USING (tenant_id)
  WHERE k.key_id = ANY($1) AND k.revoked_at IS NULL AND d.state NOT IN ('suspended', 'decommissioned')`;
const APPLICATION_KEYS = `
  SELECT k.key_id, k.secret_hash, t.slug, t.tenant_id, k.role
  FROM api_key k JOIN tenant t USING (tenant_id)
  WHERE k.key_id = ANY($1) AND k.revoked_at IS NULL`;

type Columns = { key_id: string; secret_hash: Uint8Array; slug: string; tenant_id: number };
type DeviceColumns = Columns & { device_id: string; device_uid: number };
type ApplicationColumns = Columns & { role: 'admin' };

export function keyRows(database: Database): BatchReader<KeyName, KeyRow> {
  return new BatchReader({
    nameOf: ({ kind, id }) => `${kind}/${id}`,
    batchMaxKeys: 500,
    waitingMaxKeys: 20_000,
    queriesUnderWay: 2,
    read: async names => {
      const idsOf = (kind: Key['kind']) => names.filter(it => it.kind === kind).map(it => it.id);
      const [devices, applications] = await Promise.all([
        rows<DeviceColumns>(database, DEVICE_KEYS, idsOf('device')),
        rows<ApplicationColumns>(database, APPLICATION_KEYS, idsOf('application')),
      ]);
      return new Map<string, KeyRow>([
        ...devices.map(it => [`device/${it.key_id}`, { hash: it.secret_hash, principal: device(it) }] as const),
        ...applications.map(
          it => [`application/${it.key_id}`, { hash: it.secret_hash, principal: application(it) }] as const,
        ),
      ]);
    },
  });
}

const rows = async <R extends Columns>(database: Database, sql: string, ids: string[]): Promise<R[]> =>
  ids.length === 0 ? [] : database.query<R>(sql, [ids]);

const device = (row: DeviceColumns): Principal => ({
  kind: 'device',
  tenant: row.slug,
  tenantId: row.tenant_id,
  device: row.device_id,
  deviceUid: row.device_uid,
});

const application = (row: ApplicationColumns): Principal => ({
  kind: 'application',
  tenant: row.slug,
  tenantId: row.tenant_id,
  keyId: row.key_id,
  role: row.role,
});
