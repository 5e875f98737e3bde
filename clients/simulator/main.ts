/** Simulated devices: registers them, runs them, says every 5 seconds how they are, and stops them all at SIGINT or SIGTERM. */
import { ErrorLog } from './error-log.ts';
import { registerAll } from './registration.ts';
import { readSettings, type Settings, USAGE } from './settings.ts';
import { SimulatedDevice } from './simulated-device.ts';

const STATUS_MS = 5_000;

function settingsOrExit(): Settings {
  try {
    return readSettings(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function statusOf(fleet: readonly SimulatedDevice[]): string {
  const sum = (of: (it: SimulatedDevice) => number) => fleet.reduce((total, it) => total + of(it), 0);
  const connected = fleet.filter(it => it.device.isConnected).length;
  const sent = sum(it => it.device.figures.sent);
  const spooled = sum(it => it.device.figures.spooledMessages);
  const commands = sum(it => it.commands);
  const errors = sum(it => it.errors);
  return `connected ${connected}/${fleet.length}, sent ${sent}, spooled ${spooled}, commands ${commands}, errors ${errors}`;
}

async function run(settings: Settings): Promise<void> {
  const { mqttUrl: url, everyMs, folder } = settings;
  const errors = new ErrorLog(line => console.error(line), settings);
  const registered = await registerAll(settings);
  const fleet = registered.map(
    it => new SimulatedDevice({ ...it, url, everyMs, onError: error => errors.add(it.deviceId, error) }),
  );
  let status: NodeJS.Timeout | undefined;
  const stop = async () => {
    clearInterval(status);
    await Promise.all(fleet.map(it => it.stop()));
    console.log(statusOf(fleet));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
  try {
    for (const it of fleet) await it.start();
  } catch (error) {
    await stop();
    throw error;
  }
  if (fleet.some(it => it.isStopped)) return;
  console.log(`${fleet.length} devices run; their files are in ${folder}`);
  status = setInterval(() => console.log(statusOf(fleet)), STATUS_MS);
}

await run(settingsOrExit()).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
