/** A device of a test: short waits, its own folder, stopped afterwards. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type DeviceOptions, SkeinDevice } from '../../clients/device/skein-device.ts';

const devicesIn = new Map<string, SkeinDevice[]>();

/** Removed after its devices are stopped. */
export async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'skein-device-'));
  const devices: SkeinDevice[] = [];
  devicesIn.set(folder, devices);
  t.after(async () => {
    await Promise.all(devices.map(it => it.stop()));
    devicesIn.delete(folder);
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}

export type TestDevice = { readonly device: SkeinDevice; readonly errors: Error[]; readonly folder: string };
export type TestOptions = Partial<DeviceOptions> & Pick<DeviceOptions, 'url'>;

/** Started, not necessarily connected. */
export async function startDevice(t: TestContext, options: TestOptions): Promise<TestDevice> {
  const folder = options.folder ?? (await newFolder(t));
  const limits = { reconnectMinMs: 1, reconnectMaxMs: 20, ...options.limits };
  const device = new SkeinDevice({ deviceId: 'd1', key: 'key', ...options, folder, limits });
  const errors: Error[] = [];
  device.on('error', error => errors.push(error));
  devicesIn.get(folder)?.push(device);
  await device.start();
  return { device, errors, folder };
}

export async function connectedDevice(t: TestContext, options: TestOptions): Promise<TestDevice> {
  const started = await startDevice(t, options);
  if (!started.device.isConnected) await once(started.device, 'connected');
  return started;
}
