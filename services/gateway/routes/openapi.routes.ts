import { gateway } from '../../../contracts/gateway.contract.ts';
import { type Endpoint, endpoint, type Reply } from '../endpoint.ts';
import { nothing } from '../readings.ts';

/** The same for everybody, as long as the process runs; a browser asks with its ETag whether that is still so. */
const document = ({ text, etag }: { text: string; etag: string }): Reply => ({
  status: 200,
  headers: { ETag: etag, 'Cache-Control': 'public, no-cache' },
  body: text,
  contentType: 'application/json',
});

export const openApiRoutes: readonly Endpoint[] = [
  endpoint('GET', '/openapi.json', gateway.openApi, nothing, document),
];
