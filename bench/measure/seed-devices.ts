/** Makes many devices known by writing their rows: a hundred thousand registrations over REST would take minutes. */
import { newKey } from '../../adapters/access/keys.ts';
import type { LoadDevice } from '../load/load.ts';
import type { Connection } from './stored.ts';

const DEVICES_PER_STATEMENT = 5_000;
const SEED_SQL = `
WITH made AS (
  INSERT INTO device (tenant_id, device_id, state)
  SELECT tenant_id, id, 'registered' FROM tenant, unnest($1::text[]) AS id WHERE slug = 'default'
  RETURNING device_uid, device_id)
INSERT INTO device_key (key_id, device_uid, secret_hash)
SELECT key.key_id, made.device_uid, decode(key.hash, 'hex')
FROM made JOIN unnest($1::text[], $2::text[], $3::text[]) AS key (device_id, key_id, hash) USING (device_id)`;

/** The schema and the tenant must be there: Skein must have been started on this database before. */
export async function seedDevices(connection: Connection, ids: readonly string[]): Promise<LoadDevice[]> {
  const devices: LoadDevice[] = [];
  for (let at = 0; at < ids.length; at += DEVICES_PER_STATEMENT) {
    const some = ids.slice(at, at + DEVICES_PER_STATEMENT);
    const keys = some.map(() => newKey('device'));
    await connection.query(SEED_SQL, [
      some,
      keys.map(key => key.id),
      keys.map(key => Buffer.from(key.hash).toString('hex')),
    ]);
    devices.push(
      ...some.map(
        (id, i): LoadDevice => ({
          deviceId: id,
          username: id,
          password: keys[i]!.text,
          payload: 'timestamp',
        }),
      ),
    );
  }
  return devices;
}
