/** The new keys of an import as a file: page by page, so that it is never in memory as a whole. */
import { Readable } from 'node:stream';
import type { ImportCredential, ImportFormat, ImportView } from '../../contracts/imports.contract.ts';
import type { Reply } from './endpoint.ts';

type Page = {
  readonly items: readonly ImportCredential[];
  readonly nextCursor: string | null;
  readonly format: ImportFormat;
};

const TYPES = { csv: 'text/csv; charset=utf-8; header=present', ndjson: 'application/x-ndjson' } as const;

export const importBegun = (body: ImportView): Reply => ({
  status: 202,
  headers: { Location: `/api/v1/devices/imports/${body.id}` },
  body,
});

export function keyFile(first: Page, more: (params: Record<string, unknown>) => Promise<Page>): Reply {
  const { format } = first;
  return {
    status: 200,
    contentType: TYPES[format],
    headers: {
      'Cache-Control': 'no-store',
      'Content-Disposition': `attachment; filename="device-keys.${format}"`,
    },
    body: Readable.from(format === 'csv' ? csvOf(first, more) : ndjsonOf(first, more)),
  };
}

async function* pagesFrom(first: Page, more: (params: Record<string, unknown>) => Promise<Page>): AsyncGenerator<Page> {
  for (let page = first; ; page = await more({ cursor: page.nextCursor })) {
    yield page;
    if (page.nextCursor === null) return;
  }
}

async function* csvOf(...pages: Parameters<typeof pagesFrom>): AsyncGenerator<string> {
  yield 'line,id,name,apiKey\r\n';
  for await (const { items } of pagesFrom(...pages))
    yield items.map(it => `${[it.line, it.deviceId, it.name ?? '', it.apiKey].map(csvCell).join(',')}\r\n`).join('');
}

async function* ndjsonOf(...pages: Parameters<typeof pagesFrom>): AsyncGenerator<string> {
  for await (const { items } of pagesFrom(...pages)) yield items.map(it => `${JSON.stringify(it)}\n`).join('');
}

/**
 * RFC 4180, section 2. What a spreadsheet would take for a formula begins with an apostrophe, by which it is a text:
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
export function csvCell(value: string | number): string {
  const text = String(value);
  const harmless = /^[\s]*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) || harmless !== text ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
