/** Registers the devices. Their keys come only once, so they are kept in the folder. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from './settings.ts';

export type Registered = { readonly deviceId: string; readonly key: string; readonly folder: string };
type Kept = { readonly apiUrl: string; readonly key: string };

const AT_ONCE = 8;
const CREATED = 201;
const EXISTS = 409;

export async function registerAll(settings: Settings): Promise<Registered[]> {
  const ids = Array.from({ length: settings.devices }, (_, index) => `${settings.prefix}${index + 1}`);
  const registered: Registered[] = [];
  const waiting = ids.entries();
  const worker = async () => {
    for (const [index, id] of waiting) registered[index] = await registerOne(settings, id);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return registered;
}

/** Always asked for: a server that begins anew (another data folder) knows none of the keys that are kept. */
async function registerOne(settings: Settings, deviceId: string): Promise<Registered> {
  const { apiUrl } = settings;
  const folder = join(settings.folder, deviceId);
  const path = join(folder, 'key.json');
  const { status, text } = await post(settings, deviceId);
  if (status === EXISTS) {
    const kept = await readKept(path);
    if (kept?.apiUrl === apiUrl) return { deviceId, key: kept.key, folder };
    throw new Error(
      `${deviceId} exists on ${apiUrl}, and its key is not in ${path}: another --prefix makes new devices`,
    );
  }
  if (status !== CREATED) throw new Error(`${deviceId} can not be registered: ${status} ${text}`);
  const { credentials } = JSON.parse(text) as { credentials: { apiKey: string } };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(path, JSON.stringify({ apiUrl, key: credentials.apiKey } satisfies Kept), { mode: 0o600 });
  return { deviceId, key: credentials.apiKey, folder };
}

async function readKept(path: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Kept;
  } catch {
    return undefined;
  }
}

async function post({ apiUrl, apiKey }: Settings, id: string): Promise<{ status: number; text: string }> {
  const request = {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      // Again with the same key it answers the same: an answer that was lost, or a folder that was, costs no device.
      'idempotency-key': `simulator-${id}`,
    },
    body: JSON.stringify({ id, type: 'simulated', metadata: { simulated: true } }),
  };
  const response = await fetch(`${apiUrl}/api/v1/devices`, request).catch(cause => {
    throw new Error(`${apiUrl} can not be reached: ${cause.cause?.message ?? cause.message}`, { cause });
  });
  return { status: response.status, text: await response.text() };
}
