import { portIn, startServerProcess } from '../../test/support/server-process.ts';
import type { LoadDevice } from '../load/load.ts';
import { BARE_IDS, connectTo, type Place } from './stored.ts';
import { deviceIds, type Home } from './subject-home.ts';
import type { Subject } from './subjects.ts';

const READY_TIMEOUT_MS = 30_000;

/** The reference (bench/bare/bare.ts). It knows every device, and looks at no password. */
export function bareSubject({ folder, url, remove }: Home): Subject {
  const place: Place = url ? { engine: 'postgres', url } : { engine: 'pglite', folder };
  const everyDevice = async (count: number): Promise<LoadDevice[]> =>
    deviceIds(count).map(id => ({ deviceId: id, username: id, password: 'none', payload: 'timestamp' }));
  return {
    name: 'bare',
    engine: place.engine,
    async start({ mqttPort = 0, nodeArguments = [], spawned } = {}) {
      const server = await startServerProcess({
        nodeArguments: [...nodeArguments, 'bench/bare/bare.ts', url ?? folder, String(mqttPort)],
        env: {},
        readyWhen: output => portIn(output, 'mqtt'),
        readyTimeoutMs: READY_TIMEOUT_MS,
        spawned,
      });
      return { ...server, mqttPort: server.ready };
    },
    register: everyDevice,
    seed: everyDevice,
    open: async () => ({ connection: await connectTo(place), ids: BARE_IDS }),
    remove,
  };
}
