/** `/docs`: the OpenAPI document as a page where requests can be tried. Only files that are named here are served. */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { INDEX_HTML, INITIALIZER_JS, PAGE_POLICY } from './docs-page-texts.ts';
import { problem, sendProblem } from './problem.ts';

type File = { readonly type: string; readonly etag: string; readonly maxAgeSeconds: number } & (
  | { readonly text: string }
  | { readonly url: URL }
);

const HTML = 'text/html; charset=utf-8';
const JS = 'text/javascript; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const LIBRARY_MAX_AGE_SECONDS = 3_600;
const METHODS = 'GET, HEAD, OPTIONS';

const library = new URL('./', import.meta.resolve('swagger-ui-dist/package.json'));
const { version } = JSON.parse(readFileSync(new URL('package.json', library), 'utf8')) as { version: string };

const own = (type: string, text: string): File => ({
  type,
  text,
  etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`,
  maxAgeSeconds: 0,
});
const theirs = (name: string, type: string): [string, File] => [
  `/docs/${name}`,
  { type, url: new URL(name, library), etag: `"${version}-${name}"`, maxAgeSeconds: LIBRARY_MAX_AGE_SECONDS },
];

const FILES: ReadonlyMap<string, File> = new Map([
  ['/docs', own(HTML, INDEX_HTML)],
  ['/docs/initializer.js', own(JS, INITIALIZER_JS)],
  theirs('swagger-ui-bundle.js', JS),
  theirs('swagger-ui.css', CSS),
  theirs('favicon-32x32.png', 'image/png'),
]);

/** Of a path below `/docs`, for `Allow`; empty for one that is not there. */
export const docsMethodsAt = (url: string): string[] => (FILES.has(pathOf(url)) ? METHODS.split(', ') : []);

/** The path is compared as it came, not decoded: so no way of writing `..` leads anywhere. */
const pathOf = (url: string): string => url.split('?', 1)[0]!;
const isDocs = (path: string): boolean => path === '/docs' || path.startsWith('/docs/');

/** False: the request is for somebody else. OPTIONS and HEAD come as everywhere: see the front door. */
export function answerDocs(request: IncomingMessage, response: ServerResponse, requestId: string): boolean {
  const path = pathOf(request.url ?? '/');
  if (!isDocs(path)) return false;
  if (path === '/docs/') {
    response.writeHead(308, { Location: '/docs', 'Content-Length': '0' }).end();
    return true;
  }
  const file = FILES.get(path);
  if (file === undefined) sendProblem(response, problem('not_found', 'There is no such path', requestId));
  else if (request.method !== 'GET')
    sendProblem(response, problem('method_not_allowed', `This path answers ${METHODS}`, requestId), { Allow: METHODS });
  else send(file, request, response).catch(() => response.destroy());
  return true;
}

async function send(file: File, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const headers = {
    ETag: file.etag,
    'Cache-Control': file.maxAgeSeconds === 0 ? 'no-cache' : `public, max-age=${file.maxAgeSeconds}`,
    'Content-Security-Policy': PAGE_POLICY,
  };
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const bytes = 'text' in file ? Buffer.byteLength(file.text) : (await stat(file.url)).size;
  response.writeHead(200, { ...headers, 'Content-Type': file.type, 'Content-Length': String(bytes) });
  if ('text' in file) response.end(file.text);
  else await pipeline(createReadStream(file.url), response);
}
