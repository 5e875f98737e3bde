/** A whole node with TLS, as it runs, on a PostgreSQL that the test reaches too; and clients with certificates. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import pino from 'pino';
import { Authorities } from '../../adapters/certificates/authorities.ts';
import type { Authority } from '../../adapters/certificates/authority.ts';
import { issueWithKey } from '../../adapters/certificates/issuing.ts';
import type { Database } from '../../adapters/database/database.ts';
import { openDatabase } from '../../adapters/database/open-database.ts';
import { openSealer } from '../../adapters/secrets/sealer.ts';
import { readConfig } from '../../config.ts';
import type { NewCertificate } from '../../contracts/certificates.contract.ts';
import { runNode } from '../../services/run-node.ts';
import { startPostgres } from '../support/postgres.ts';
import { type Answer, type Ask, ask } from './rest-node.ts';

/** What a client shows in its handshake. */
export type Shown = { readonly cert: string; readonly key: string };
export type CertificatesNode = {
  readonly url: string;
  readonly adminKey: string;
  readonly httpsPort: number;
  readonly mqttsPort: number;
  readonly database: Database;
  /** PEM, of the authority of the node. */
  readonly ca: string;
  readonly authority: Authority;
  readonly dataDir: string;
  ask(line: string, options?: Ask): Promise<Answer>;
  /** Over HTTPS, without any Authorization unless one is given. Rejects when the connection breaks. */
  askOverTls(line: string, shown: Shown | undefined, options?: Ask): Promise<Answer>;
  /** Registers a device. Answers with its API key. */
  register(id: string, key?: string): Promise<string>;
  /** With a key that is made by the node. */
  issue(id: string, key?: string): Promise<NewCertificate & Shown>;
  /** Over TLS, or over WebSocket and TLS. Rejects when it is refused or closed. Ends with the node at the latest. */
  connect(shown: Shown | undefined, options?: IClientOptions & { readonly ws?: boolean }): Promise<MqttClient>;
  stop(): Promise<void>;
};

/** When it rejects nothing stays open. */
export async function startCertificatesNode(env: Record<string, string> = {}): Promise<CertificatesNode> {
  const opened = new AsyncDisposableStack();
  try {
    return await start(env, opened);
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** @param opened what is to be closed, the last one first */
async function start(env: Record<string, string>, opened: AsyncDisposableStack): Promise<CertificatesNode> {
  const server = await startPostgres({ fsync: false, withSchema: true });
  opened.defer(() => server.stop());
  const dataDir = await mkdtemp(join(tmpdir(), 'skein-certificates-'));
  opened.defer(() => rm(dataDir, { recursive: true, force: true }));
  const secretKey = randomBytes(32).toString('base64');
  const config = readConfig({
    SKEIN_HOST: '127.0.0.1',
    SKEIN_HTTP_PORT: '0',
    SKEIN_HTTPS_PORT: '0',
    SKEIN_MQTT_PORT: '0',
    SKEIN_MQTTS_PORT: '0',
    SKEIN_DATA_DIR: dataDir,
    SKEIN_SECRET_KEY: secretKey,
    DATABASE_URL: server.url,
    ...env,
  });
  const node = await runNode(config, pino({ level: 'silent' }), () => {});
  opened.defer(() => node.stop());
  const database = await openDatabase({ ...config, onFatal: () => {} });
  opened.defer(() => database.close());
  const sealer = await openSealer(database, Buffer.from(secretKey, 'base64'));
  const authorities = new Authorities({ database, sealer, longestDays: 1_825 });
  const authority = await authorities.signing();
  const [trusted] = await authorities.trusted();
  const ca = trusted!.pem;
  const adminKey = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim();
  const url = `http://127.0.0.1:${node.httpPort}`;
  const askNode = (line: string, options?: Ask) => ask({ url, adminKey } as Parameters<typeof ask>[0], line, options);
  const clients: MqttClient[] = [];
  opened.defer(() => clients.forEach(client => void client.end(true)));
  return {
    url,
    adminKey,
    httpsPort: node.httpsPort!,
    mqttsPort: node.mqttsPort!,
    database,
    ca,
    authority,
    dataDir,
    ask: askNode,
    askOverTls: (line, shown, options = {}) => askOverTls(node.httpsPort!, { ca, ...shown }, line, options),
    async register(id, key) {
      const { status, body } = await askNode('POST /api/v1/devices', { key, body: { id } });
      if (status !== 201) throw new Error(JSON.stringify(body));
      return body.credentials.apiKey;
    },
    async issue(id, key) {
      const { status, body } = await askNode(`POST /api/v1/devices/${id}/certificates`, { key, body: {} });
      if (status !== 201) throw new Error(JSON.stringify(body));
      return { ...body, cert: body.pem, key: body.privateKey };
    },
    async connect(shown, { ws = false, ...options } = {}) {
      const at = ws ? `wss://localhost:${node.httpsPort}/mqtt` : `mqtts://localhost:${node.mqttsPort}`;
      const client = mqtt.connect(at, { ca, ...shown, reconnectPeriod: 0, protocolVersion: 5, ...options });
      clients.push(client);
      const { promise, resolve, reject } = Promise.withResolvers<MqttClient>();
      client.once('connect', () => resolve(client));
      client.on('error', reject);
      client.once('close', () => reject(new Error('closed')));
      return promise;
    },
    stop: () => opened.disposeAsync(),
  };
}

/** A certificate that the authority of the node signed, and that the database does not know. */
export const strange = async (node: CertificatesNode, device: string, nowMs = Date.now()): Promise<Shown> => {
  const issued = await issueWithKey(node.authority, { tenant: 'default', device }, { days: 5, nowMs });
  return { cert: issued.pem, key: issued.privateKeyPem };
};

function askOverTls(port: number, tls: RequestOptions, line: string, { key, body, headers }: Ask): Promise<Answer> {
  const [method, path] = line.split(' ') as [string, string];
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options = {
    ...tls,
    agent: false as const,
    host: '127.0.0.1',
    servername: 'localhost',
    port,
    method,
    path,
    headers: {
      ...(key && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
  };
  const asking = request(options, async response => {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const told = new Headers(response.headers as Record<string, string>);
    resolve({ status: response.statusCode!, headers: told, body: text === '' ? undefined : JSON.parse(text) });
  });
  asking.once('error', reject);
  asking.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}
