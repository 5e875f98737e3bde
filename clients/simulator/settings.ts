/** What the command line says. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

export type Settings = {
  readonly mqttUrl: string;
  readonly apiUrl: string;
  /** Of an application: it registers devices. */
  readonly apiKey: string;
  readonly devices: number;
  readonly prefix: string;
  readonly everyMs: number;
  readonly folder: string;
};

export const USAGE = `Usage: node clients/simulator/main.ts --key ska_... [options]
  --url mqtt://127.0.0.1:1883    where the devices connect
  --api http://127.0.0.1:8080    where they are registered
  --key ska_...                  an application's key; or SKEIN_API_KEY
  --devices 10                   how many, at most 10000
  --prefix sim-                  of their ids
  --every 1000                   milliseconds between two messages of a device, at least 10
  --folder <folder>              for their keys and spools; below the system's temporary folder`;

const DEVICES_MAX = 10_000;
const EVERY_MIN_MS = 10;
const EVERY_MAX_MS = 24 * 3_600_000;

/** Throws Error with what is wrong. */
export function readSettings(args: string[], environment: NodeJS.ProcessEnv): Settings {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args,
    options: {
      url: text('mqtt://127.0.0.1:1883'),
      api: text('http://127.0.0.1:8080'),
      key: text(environment.SKEIN_API_KEY ?? ''),
      devices: text('10'),
      prefix: text('sim-'),
      every: text('1000'),
      folder: text(join(tmpdir(), 'skein-simulator')),
    },
  });
  if (values.key === '') throw new Error('--key is missing');
  return {
    mqttUrl: values.url,
    apiUrl: values.api.replace(/\/$/, ''),
    apiKey: values.key,
    devices: wholeNumber('devices', values.devices, 1, DEVICES_MAX),
    prefix: values.prefix,
    everyMs: wholeNumber('every', values.every, EVERY_MIN_MS, EVERY_MAX_MS),
    folder: values.folder,
  };
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new Error(`--${name} is "${text}", not a whole number from ${min} to ${max}`);
  return value;
}
