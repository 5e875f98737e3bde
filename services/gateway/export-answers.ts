/** How exports are asked for, and their files as downloads: piece by piece, each when the client has taken the one before. */
import { Readable } from 'node:stream';
import type { ExportFile, ExportScheduleView, ExportView } from '../../contracts/exports.contract.ts';
import type { ApiRequest, Reply } from './endpoint.ts';
import { fieldsOf, noQuery, timeOf } from './readings.ts';

type Params = Record<string, unknown>;

/** As everywhere: milliseconds since 1970, or ISO 8601. */
const moment = (name: string, value: unknown): Params =>
  value === undefined ? {} : { [name]: timeOf(name, typeof value === 'number' ? `${value}` : value) };

export function newExport(request: ApiRequest): Params {
  const { from, to, ...fields } = fieldsOf(request);
  return { ...fields, ...moment('from', from), ...moment('to', to) };
}

export function fileOf(request: ApiRequest): Params {
  const { range, 'if-range': ifRange } = request.headers;
  noQuery(request);
  return {
    id: request.path.id,
    ...(range !== undefined && { range }),
    ...(typeof ifRange === 'string' && { ifRange }),
  };
}

export const exportBegun = (body: ExportView): Reply => ({
  status: 202,
  headers: { Location: `/api/v1/exports/${body.id}` },
  body,
});
export const scheduleMade = (body: ExportScheduleView): Reply => ({
  status: 201,
  headers: { Location: `/api/v1/exports/schedules/${body.id}` },
  body,
});

export function exportFile(first: ExportFile, more: (params: Params) => Promise<ExportFile>): Reply {
  const { name, contentType, etag, totalBytes, start, end, isPart } = first;
  return {
    status: isPart ? 206 : 200,
    contentType,
    headers: {
      ETag: etag,
      'Accept-Ranges': 'bytes',
      'Content-Length': String(end - start),
      'Content-Disposition': `attachment; filename="${name}"`,
      ...(isPart && { 'Content-Range': `bytes ${start}-${end - 1}/${totalBytes}` }),
    },
    body: Readable.from(pieces(first, more), { objectMode: false }),
  };
}

async function* pieces(first: ExportFile, more: (params: Params) => Promise<ExportFile>): AsyncGenerator<Buffer> {
  for (
    let piece = first;
    ;
    piece = await more({ range: undefined, ifRange: undefined, start: piece.nextStart, end: first.end })
  ) {
    if (piece.content !== '') yield Buffer.from(piece.content, 'base64');
    if (piece.nextStart === null) return;
  }
}
