/** What a device gets when it is provisioned: new credentials, and what it has to know. */
import { hostname } from 'node:os';
import { insertKey, insertToken, type NewToken } from '../../adapters/access/device-credentials.ts';
import type { Transaction } from '../../adapters/database/database.ts';
import type { Config } from '../../config.ts';
import type { Revocation } from '../../contracts/access.contract.ts';
import type { DeviceConfiguration } from '../../contracts/devices.contract.ts';

type Reached = Pick<Config, 'publicUrl' | 'tlsNames' | 'httpPort' | 'httpsPort' | 'mqttPort' | 'mqttsPort' | 'limits'>;

/** Where the system is reached: under its public name, else under that of its certificate, else under that of this machine. */
export function configurationOf(config: Reached, id: string): DeviceConfiguration {
  const { publicUrl, tlsNames, httpPort, httpsPort, mqttPort, mqttsPort, limits } = config;
  const name = publicUrl === undefined ? (tlsNames.find(it => !it.includes('*')) ?? hostname()) : undefined;
  const host = name === undefined ? new URL(publicUrl!).hostname : name.includes(':') ? `[${name}]` : name;
  const topic = `devices/${id}`;
  return {
    mqttBroker: mqttsPort === undefined ? `mqtt://${host}:${mqttPort}` : `mqtts://${host}:${mqttsPort}`,
    httpUrl: publicUrl ?? (httpsPort === undefined ? `http://${host}:${httpPort}` : `https://${host}:${httpsPort}`),
    reportingIntervalSeconds: limits.deviceReportingIntervalSeconds,
    topics: {
      telemetry: `${topic}/telemetry`,
      state: `${topic}/state`,
      commands: `${topic}/commands`,
      commandAnswers: `${topic}/commands/ack`,
      desired: `${topic}/state/desired`,
    },
  };
}

type Held = { readonly device_uid: number; readonly device_id: string };

/** A new key and the token in place of those that it got when it was provisioned before. Answers what no longer works. */
export async function replaceCredentials(
  tx: Transaction,
  { device_uid: uid, device_id: device }: Held,
  tenant: string,
  token: NewToken,
  by: string,
): Promise<{ keyId: string; apiKey: string; ended: Revocation[] }> {
  const ended: Revocation[] = [];
  for (const [kind, sql] of [
    ['device_key', END_KEYS],
    ['device_token', END_TOKENS],
  ] as const) {
    const rows = await tx.query<{ subject: string }>(sql, [uid]);
    for (const { subject } of rows) ended.push({ kind, tenant, subject, device });
  }
  const key = await insertKey(tx, uid, { name: 'provisioned', scopes: null, expiresAt: null }, 'provisioning');
  await insertToken(tx, uid, token, by, 'provisioning');
  return { keyId: key.id, apiKey: key.text, ended };
}

const END_KEYS = `
UPDATE device_key SET revoked_at = now() WHERE device_uid = $1 AND issued_from = 'provisioning' AND revoked_at IS NULL
RETURNING key_id AS subject`;
const END_TOKENS = `
UPDATE device_token SET revoked_at = now() WHERE device_uid = $1 AND issued_from = 'provisioning' AND revoked_at IS NULL
RETURNING token_id::text AS subject`;
