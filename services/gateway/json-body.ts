/** Reads a request's body as JSON. Only after the caller is known: nobody else makes the server parse anything. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { SkeinError } from '../../contracts/errors.ts';

/** `application/json`, or what is JSON by its suffix (RFC 6839), with UTF-8 or nothing as charset. */
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;
/** Deeper than any value that is kept, and flat enough for every recursion behind. */
const NESTING_MAX = 32;

/** RFC 9112, section 6.3: a request without either header has no body. */
export const isBodyless = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] === '0' ||
  (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined);

/** Rejects with `unsupported_media_type`, `too_large`, `invalid_json` or `invalid_request`. */
export async function jsonBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const { 'content-type': type, 'content-encoding': encoding, 'content-length': length } = request.headers;
  if (isBodyless(request)) throw new SkeinError('invalid_json', 'The body is empty');
  if (!JSON_TYPE.test(type ?? '')) throw new SkeinError('unsupported_media_type', 'The body must be application/json');
  if (encoding !== undefined && encoding !== 'identity')
    throw new SkeinError('unsupported_media_type', 'The body must not be compressed');
  if (Number(length ?? 0) > maxBytes) throw tooLarge(maxBytes);
  return parse(await bytesOf(request, maxBytes));
}

/** What remains unread after a refusal is thrown away by Node, for as long as `requestTimeout` lets it come. */
function bytesOf(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else fail(tooLarge(maxBytes));
    };
    const done = () => settle(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes)));
    const fail = (error: Error) => settle(() => reject(error));
    const gone = () => fail(new SkeinError('invalid_request', 'The body ended early'));
    const settle = (tell: () => void) => {
      request.off('data', take).off('end', done).off('error', gone).off('close', gone);
      request.on('error', () => {});
      tell();
    };
    request.on('data', take).on('end', done).on('error', gone).on('close', gone);
  });
}

function parse(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new SkeinError('invalid_json', 'The body is not UTF-8');
  if (isNestedTooDeep(bytes))
    throw new SkeinError('invalid_request', `The body is nested deeper than ${NESTING_MAX} levels`);
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw new SkeinError('invalid_json', 'The body is not JSON');
  }
}

/** For JSON that comes in another way than as a whole body. */
export const isNestedTooDeep = (bytes: Buffer): boolean => nestedDeeper(bytes, NESTING_MAX);

/** Counts brackets outside of texts: parsing first would make the value whose depth is the danger. */
function nestedDeeper(bytes: Buffer, max: number): boolean {
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i]) {
      case 0x22: // "
        while (++i < bytes.length && bytes[i] !== 0x22) if (bytes[i] === 0x5c) i++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > max) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
    }
  }
  return false;
}

const tooLarge = (maxBytes: number): SkeinError => new SkeinError('too_large', `A body has at most ${maxBytes} bytes`);
