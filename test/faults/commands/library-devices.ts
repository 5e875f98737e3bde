/** A process with devices of the library: each remembers its commands in its folder, and writes into its ledger what it carries out. */
import { join } from 'node:path';
import { CommandRejected, SkeinDevice } from '../../../clients/device/skein-device.ts';
import { forgetful } from '../../clients/forgetful-memory.ts';
import { appendLine, appliedPath, type DeviceSettings, ledgerPath } from './device-settings.ts';
import { doWork, WORK, type Work } from './work.ts';

const LIMITS = { reconnectMinMs: 50, reconnectMaxMs: 500, connectTimeoutMs: 3_000, keepaliveSeconds: 5 };

const { url, folder, devices, forgets } = JSON.parse(process.argv[2]!) as DeviceSettings;

for (const { deviceId, key } of devices) {
  const device = new SkeinDevice({
    url,
    deviceId,
    key,
    folder: join(folder, deviceId),
    limits: LIMITS,
    ...(forgets && { commandMemory: forgetful }),
    acknowledgesAcceptance: deviceId.endsWith('1'),
    commands: {
      [WORK]: async (parameters, { id, attempt }) => {
        const work = parameters as Work;
        if (work.outcome === 'rejects') throw new CommandRejected('as it was asked to');
        return doWork(work, () => appendLine(ledgerPath(folder, deviceId), `${id} ${attempt}`));
      },
    },
    applyDesired: delta => {
      appendLine(appliedPath(folder, deviceId), JSON.stringify(delta));
      return delta;
    },
  });
  device.on('error', error => process.stderr.write(`${deviceId}: ${error.stack}\n`));
  await device.start();
}
