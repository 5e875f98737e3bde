/** Takes a file of history from a request into the store of blobs as it comes: it is never in memory as a whole. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlobError } from '../../../contracts/blobs.ts';
import { call } from '../../../contracts/contract.ts';
import { SkeinError } from '../../../contracts/errors.ts';
import {
  HISTORY_FORMATS,
  HISTORY_FORMS,
  type HistoryFormat,
  historyFileKey,
  telemetryImports,
} from '../../../contracts/telemetry-imports.contract.ts';
import type { Upload, UploadRequest } from '../endpoint.ts';
import { isBodyless } from '../json-body.ts';
import { arriving, expanded } from './incoming.ts';

const TYPES: readonly (readonly [type: RegExp, format: HistoryFormat | undefined])[] = [
  [/^text\/csv\s*(?:;\s*(?:charset\s*=\s*"?utf-?8"?|header\s*=\s*present)\s*)*$/i, 'csv'],
  [/^application\/(?:x-)?ndjson\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i, 'ndjson'],
  [/^application\/(?:vnd\.apache\.|x-)?parquet\s*$/i, 'parquet'],
  [/^application\/octet-stream\s*$/i, undefined],
];

/** Becomes the parameters of `telemetry-imports.start`. */
export const historyFile: Upload = {
  types: ['text/csv', 'application/x-ndjson', 'application/vnd.apache.parquet', 'application/octet-stream'],
  async take(upload) {
    const { ctx, request, blobs } = upload;
    const { encoding, ...params } = paramsOf(upload);
    const { id } = await call(ctx, telemetryImports.open, params);
    try {
      const hash = createHash('sha256');
      const { bytes } = await blobs.put(historyFileKey(id), hashed(contentOf(upload, encoding), hash)).catch(spoken);
      if (bytes === 0) throw new SkeinError('invalid_request', 'The file is empty');
      return { id, bytes, sha256: hash.digest('hex') };
    } catch (error) {
      // What is still coming is thrown away, for as long as `requestTimeout` lets it come: who sends it would not read the answer before.
      request.on('error', () => {}).resume();
      await call(ctx, telemetryImports.discard, { id }).catch(() => {});
      throw error;
    }
  },
};

function paramsOf({ request, query }: UploadRequest) {
  const { format: named, form = 'long', dryRun = 'false', ...rest } = query;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new SkeinError('invalid_request', `${unknown.slice(0, 100)} is not known here`);
  const format = HISTORY_FORMATS.find(it => it === formatOf(request, named));
  if (format === undefined)
    throw new SkeinError('invalid_request', `format must be one of ${HISTORY_FORMATS.join(', ')}`);
  const known = HISTORY_FORMS.find(it => it === form);
  if (known === undefined) throw new SkeinError('invalid_request', `form must be one of ${HISTORY_FORMS.join(', ')}`);
  if (dryRun !== 'true' && dryRun !== 'false') throw new SkeinError('invalid_request', 'dryRun must be true or false');
  const { 'content-encoding': encoding = 'identity' } = request.headers;
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new SkeinError('unsupported_media_type', 'The body may be compressed with gzip, and with nothing else');
  if (isBodyless(request)) throw new SkeinError('invalid_request', 'The file is empty');
  return { format, form: known, dryRun: dryRun === 'true', encoding };
}

/** The Content-Type says it; one that says nothing leaves it to the query. */
function formatOf({ headers: { 'content-type': type = '' } }: IncomingMessage, named: unknown): unknown {
  const found = TYPES.find(([pattern]) => pattern.test(type));
  if (found === undefined)
    throw new SkeinError(
      'unsupported_media_type',
      'The body must be text/csv or application/x-ndjson, in UTF-8, or application/vnd.apache.parquet',
    );
  const [, said] = found;
  if (said !== undefined && named !== undefined && named !== said)
    throw new SkeinError('invalid_request', 'format says something else than Content-Type');
  return said ?? named;
}

function contentOf({ request, limits }: UploadRequest, encoding: string): AsyncIterable<Buffer> {
  const raw = arriving(request, limits.historyMaxBytes);
  return encoding === 'gzip' ? expanded(raw, limits.historyMaxBytes, limits.historyExpansionMaxTimes) : raw;
}

async function* hashed(
  content: AsyncIterable<Buffer>,
  hash: { update(bytes: Buffer): unknown },
): AsyncGenerator<Buffer> {
  for await (const bytes of content) {
    hash.update(bytes);
    yield bytes;
  }
}

function spoken(error: unknown): never {
  if (!(error instanceof BlobError)) throw error;
  if (error.kind === 'full') throw new SkeinError('storage_full', 'The store of files has no room for this one');
  if (error.kind === 'unavailable') throw new SkeinError('unavailable', 'The store of files is not available');
  throw error;
}
