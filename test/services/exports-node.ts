/** A node behind REST that also makes exports. */
import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { openBlobStore } from '../../adapters/blobs/open-blob-store.ts';
import type { BlobStore } from '../../contracts/blobs.ts';
import { exportsService } from '../../services/exports.service.ts';
import { type Answer, ask, type RestNode, type RestNodeOptions, register, startRestNode } from './rest-node.ts';

export type ExportsNode = RestNode & { readonly blobs: BlobStore };

/** Small numbers, so that a few readings are several parts. */
export const SMALL_EXPORTS = {
  SKEIN_LIMIT_EXPORT_PART_MAX_ROWS: '50',
  SKEIN_LIMIT_EXPORT_PAGE_ROWS: '20',
  SKEIN_LIMIT_EXPORT_PAGE_SERIES: '2',
  SKEIN_LIMIT_EXPORT_CHUNK_BYTES: '1000',
  SKEIN_LIMIT_EXPORT_POLL_MS: '20',
  SKEIN_LIMIT_EXPORT_RETRY_MS: '20',
  SKEIN_LIMIT_PARQUET_ROW_GROUP_ROWS: '30',
};

/** @param between stands between the exports and the blobs */
export async function startExportsNode(
  { env, ...options }: RestNodeOptions = {},
  between: (real: BlobStore) => BlobStore = it => it,
): Promise<ExportsNode> {
  const node = await startRestNode({ ...options, env: { ...SMALL_EXPORTS, ...env } });
  const blobs = await openBlobStore(node.config);
  node.broker.createService(exportsService({ ...node, blobs: between(blobs), instanceId: randomUUID() }));
  await node.broker.waitForServices(['exports']);
  return { ...node, blobs };
}

export const T0 = Date.parse('2026-10-05T00:00:00Z');
export const at = (minutes: number): string => new Date(T0 + minutes * 60_000).toISOString();

/** Numbers, booleans, texts and objects; with and without a quality. */
export async function fill(node: RestNode, ids: readonly string[], count: number, fields: object = {}): Promise<void> {
  for (const id of ids) {
    await register(node, id, fields);
    const items = Array.from({ length: count }, (_, n) => ({
      deviceId: id,
      timestamp: at(n),
      ...(n % 3 === 0 && { quality: 0.5 }),
      values: {
        t: ((n * 37) % 101) / 8 - 3,
        ...(n % 2 === 0 && { on: n % 4 === 0 }),
        ...(n % 10 === 0 && { mode: `say "${n}", now\r\n=1+1`, place: { x: n, y: [1, null] } }),
      },
    }));
    const { status, body } = await ask(node, 'POST /api/v1/telemetry', { body: items });
    if (status !== 202 || body.rejected.length > 0) throw new Error(`${status} ${JSON.stringify(body)}`);
  }
}

export type Stored = {
  device: string;
  measurement: string;
  timestamp: string;
  value: unknown;
  unit: string | null;
  quality: number | null;
};
/** What the database has, in the order of an export. */
export async function storedRows(node: RestNode, where = 'true'): Promise<Stored[]> {
  const rows = await node.database.query<{
    device: string;
    measurement: string;
    ts: Date;
    value: number;
    json: unknown;
    quality: number | null;
  }>(
    `SELECT d.device_id AS device, m.name AS measurement, t.ts, t.value, t.value_json AS json, t.quality
     FROM telemetry t JOIN device d USING (device_uid) JOIN measurement m USING (measurement_id)
     WHERE ${where} ORDER BY d.device_uid, m.measurement_id, t.ts`,
  );
  return rows.map(({ device, measurement, ts, value, json, quality }) => ({
    device,
    measurement,
    timestamp: ts.toISOString(),
    value: json ?? value,
    unit: null,
    quality: quality === null ? null : quality / 10_000,
  }));
}

const PATIENCE_MS = 20_000;
export async function exportWhen(
  node: RestNode,
  id: string,
  isWanted: (it: Answer['body']) => boolean,
  key?: string,
): Promise<Answer['body']> {
  for (const untilMs = Date.now() + PATIENCE_MS; ; ) {
    const { body } = await ask(node, `GET /api/v1/exports/${id}`, { key });
    if (isWanted(body)) return body;
    if (Date.now() > untilMs) throw new Error(`It stayed ${JSON.stringify(body)}`);
    await new Promise(resolve => setTimeout(resolve, 15));
  }
}

export const RANGE = { from: at(0), to: at(1440) };

/** Makes an export and waits for its end. */
export async function exported(node: RestNode, request: object, key?: string): Promise<Answer['body']> {
  const { status, body } = await ask(node, 'POST /api/v1/exports', { body: { ...RANGE, ...request }, key });
  if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`);
  return exportWhen(node, body.id, it => it.endedAt !== null, key);
}

export type Download = { readonly status: number; readonly headers: Headers; readonly bytes: Buffer };
export async function download(
  node: RestNode,
  id: string,
  headers: Record<string, string> = {},
  method = 'GET',
  key = node.adminKey,
): Promise<Download> {
  const response = await fetch(`${node.url}/api/v1/exports/${id}/file`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

export const unzipped = (bytes: Buffer): Buffer => gunzipSync(bytes);
export const csvRows = (bytes: Buffer): Record<string, string>[] =>
  parse(bytes, { columns: true, record_delimiter: '\r\n' });
export const ndjsonRows = (bytes: Buffer): Record<string, unknown>[] =>
  bytes
    .toString()
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line));
