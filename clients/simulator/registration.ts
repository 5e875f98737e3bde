/** Registers the devices, once: their keys come only once, so they are kept in the folder. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from './settings.ts';

export type Registered = { readonly deviceId: string; readonly key: string; readonly folder: string };
type Kept = { readonly apiUrl: string; readonly key: string };

const AT_ONCE = 8;

export async function registerAll(settings: Settings): Promise<Registered[]> {
  const ids = Array.from({ length: settings.devices }, (_, index) => `${settings.prefix}${index + 1}`);
  const registered: Registered[] = [];
  const waiting = ids.entries();
  const worker = async () => {
    for (const [index, id] of waiting) registered[index] = await registerOnce(settings, id);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return registered;
}

async function registerOnce(settings: Settings, deviceId: string): Promise<Registered> {
  const folder = join(settings.folder, deviceId);
  const path = join(folder, 'key.json');
  const kept = await readKept(path);
  if (kept?.apiUrl === settings.apiUrl) return { deviceId, key: kept.key, folder };
  const key = await register(settings, deviceId);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(path, JSON.stringify({ apiUrl: settings.apiUrl, key } satisfies Kept), { mode: 0o600 });
  return { deviceId, key, folder };
}

async function readKept(path: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Kept;
  } catch {
    return undefined;
  }
}

async function register({ apiUrl, apiKey }: Settings, id: string): Promise<string> {
  const response = await fetch(`${apiUrl}/api/v1/devices`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      // Again with the same key it answers the same: an answer that was lost, or a folder that was, costs no device.
      'idempotency-key': `simulator-${id}`,
    },
    body: JSON.stringify({ id, type: 'simulated', metadata: { simulated: true } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${id} can not be registered: ${response.status} ${text}`);
  return (JSON.parse(text) as { credentials: { apiKey: string } }).credentials.apiKey;
}
