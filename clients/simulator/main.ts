/** Simulated devices: registers them, runs them, says every 5 seconds how they are, and stops them all at SIGINT or SIGTERM. */
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

const settings = settingsOrExit();
const registered = await registerAll(settings);
const fleet = registered.map(it => new SimulatedDevice({ ...it, url: settings.mqttUrl, everyMs: settings.everyMs }));
for (const it of fleet) await it.start();
console.log(`${fleet.length} devices run; their files are in ${settings.folder}`);
const status = setInterval(() => console.log(statusOf(fleet)), STATUS_MS);

async function stop(): Promise<void> {
  clearInterval(status);
  await Promise.all(fleet.map(it => it.stop()));
  console.log(statusOf(fleet));
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
