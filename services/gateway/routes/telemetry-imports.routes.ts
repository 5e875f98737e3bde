import { Readable } from 'node:stream';
import {
  type HistoryImportView,
  type RefusedLineView,
  telemetryImports,
} from '../../../contracts/telemetry-imports.contract.ts';
import { plain } from '../answers.ts';
import { type Endpoint, endpoint, type Read, type Reply } from '../endpoint.ts';
import { listing, numberOf, objectOf, pathId } from '../readings.ts';
import { historyFile } from '../uploads/history-file.ts';

type ReportPage = {
  readonly items: readonly RefusedLineView[];
  readonly nextCursor: string | null;
  readonly format: 'json' | 'ndjson';
};

/** What was made of the file while it came. */
const uploaded: Read = request => objectOf(request.body);
const begun = (body: HistoryImportView): Reply => ({
  status: 202,
  headers: { Location: `/api/v1/telemetry/imports/${body.id}` },
  body,
});
const reportPages: Read = ({ query, path, limits }) => ({
  ...query,
  id: path.id,
  limit: query.format === 'ndjson' && query.limit === undefined ? limits.listMaxItems : numberOf(query.limit),
});

/** As NDJSON it is the whole report; as JSON a page of it. */
function reported(
  { format, ...first }: ReportPage,
  more: (params: Record<string, unknown>) => Promise<ReportPage>,
): Reply {
  if (format === 'json') return plain(first);
  return {
    status: 200,
    contentType: 'application/x-ndjson',
    headers: { 'Content-Disposition': 'attachment; filename="refused-lines.ndjson"' },
    body: Readable.from(linesOf(first, more)),
  };
}

async function* linesOf(
  first: Omit<ReportPage, 'format'>,
  more: (params: Record<string, unknown>) => Promise<ReportPage>,
): AsyncGenerator<string> {
  for (let page = first; ; page = await more({ cursor: page.nextCursor })) {
    yield page.items.map(it => `${JSON.stringify(it)}\n`).join('');
    if (page.nextCursor === null) return;
  }
}

const IMPORT = '/telemetry/imports/:id';

export const telemetryImportRoutes: readonly Endpoint[] = [
  endpoint('POST', '/telemetry/imports', telemetryImports.start, uploaded, begun, {
    takesBody: true,
    creates: true,
    upload: historyFile,
  }),
  endpoint('GET', '/telemetry/imports', telemetryImports.list, listing, plain),
  endpoint('GET', IMPORT, telemetryImports.get, pathId, plain),
  endpoint('GET', `${IMPORT}/report`, telemetryImports.report, reportPages, reported),
  endpoint('POST', `${IMPORT}/cancel`, telemetryImports.cancel, pathId, plain),
  endpoint('DELETE', IMPORT, telemetryImports.remove, pathId, plain),
];
