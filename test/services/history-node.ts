/** A node behind REST that also imports history. */
import { deviceTypesService } from '../../services/device-types.service.ts';
import { telemetryImportsService } from '../../services/telemetry-imports.service.ts';
import { type Answer, ask, type RestNode, type RestNodeOptions, startRestNode } from './rest-node.ts';

export async function startHistoryNode(options: RestNodeOptions = {}): Promise<RestNode> {
  const node = await startRestNode(options);
  node.broker.createService(deviceTypesService(node));
  node.broker.createService(telemetryImportsService(node));
  await node.broker.waitForServices(['telemetry-imports', 'device-types']);
  return node;
}

export type File = string | Uint8Array;
export type Sending = {
  readonly type?: string;
  readonly query?: string;
  readonly key?: string;
  readonly headers?: Record<string, string>;
};

export const CSV = 'text/csv';
export const NDJSON = 'application/x-ndjson';
export const PARQUET = 'application/vnd.apache.parquet';

/** Sends a file of history; CSV unless told otherwise. */
export async function sendHistory(node: RestNode, file: File, sending: Sending = {}): Promise<Answer> {
  const { type = CSV, query = '', key = node.adminKey, headers } = sending;
  const response = await fetch(`${node.url}/api/v1/telemetry/imports${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': type, ...headers },
    body: file as string,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

const PATIENCE_MS = 8_000;
/** The import as it is when it has ended. */
export async function historyEnded(node: RestNode, id: string, key?: string) {
  for (const untilMs = Date.now() + PATIENCE_MS; ; ) {
    const { body } = await ask(node, `GET /api/v1/telemetry/imports/${id}`, { key });
    if (body.state !== 'running') return body;
    if (Date.now() > untilMs)
      throw new Error(`It did not end: ${JSON.stringify(body)} ${node.logged.at(-1)?.slice(0, 700)}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** Sends it, and waits until it has ended. */
export async function importHistory(node: RestNode, file: File, sending: Sending = {}) {
  const { status, body } = await sendHistory(node, file, sending);
  if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`);
  return historyEnded(node, body.id, sending.key);
}

export const refusedLines = async (node: RestNode, id: string, query = '') =>
  (await ask(node, `GET /api/v1/telemetry/imports/${id}/report${query}`)).body.items as {
    line: number;
    deviceId: string | null;
    reason: string;
    detail: string;
  }[];

/** Stored datapoints of a device, the oldest first. */
export const storedOf = (node: RestNode, device: string) =>
  node.database.query<{
    name: string;
    ms: number;
    value: number | null;
    json: unknown;
    quality: number | null;
    flags: number | null;
  }>(
    `SELECT m.name, (extract(epoch FROM t.ts) * 1000)::float8 AS ms, t.value, t.value_json AS json, t.quality, t.flags
     FROM telemetry t JOIN measurement m USING (measurement_id) JOIN device d ON d.device_uid = t.device_uid
     WHERE d.device_id = $1 ORDER BY t.ts, m.name`,
    [device],
  );
