import { join } from 'node:path';
import { registerDevices, type Skein, startSkein } from '../../test/support/skein.ts';
import { seedDevices } from './seed-devices.ts';
import { connectTo, type Place, readIds } from './stored.ts';
import { deviceIds, type Home } from './subject-home.ts';
import type { Running, StartOptions, Subject } from './subjects.ts';

/** The system itself. What `start` gives has besides what every subject has: HTTP and the administrator's key. */
export interface RealSubject extends Subject {
  start(options?: StartOptions): Promise<Running & Skein>;
}

export function realSubject({ folder, url, remove }: Home, env: Readonly<Record<string, string>>): RealSubject {
  const place: Place = url ? { engine: 'postgres', url } : { engine: 'pglite', folder: join(folder, 'pglite') };
  const database: Record<string, string> = url ? { DATABASE_URL: url } : {};
  let last: Skein | undefined;
  return {
    name: 'real',
    engine: place.engine,
    async start({ mqttPort = 0, ...options } = {}) {
      const port = { SKEIN_MQTT_PORT: String(mqttPort) };
      last = await startSkein({ ...options, env: { ...port, ...database, ...env }, dataDir: folder });
      return last;
    },
    async register(count) {
      const devices = await registerDevices(last!, deviceIds(count));
      return devices.map(({ deviceId, apiKey }) => ({
        deviceId,
        username: deviceId,
        password: apiKey,
        payload: 'timestamp',
      }));
    },
    async seed(count) {
      const connection = await connectTo(place);
      try {
        return await seedDevices(connection, deviceIds(count));
      } finally {
        await connection.close();
      }
    },
    async open() {
      const connection = await connectTo(place);
      return { connection, ids: await readIds(connection) };
    },
    remove,
  };
}
