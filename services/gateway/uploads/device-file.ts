/** Reads a file of devices from a request and hands its lines on as they come: the file is never in memory as a whole. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { call } from '../../../contracts/contract.ts';
import { SkeinError } from '../../../contracts/errors.ts';
import { imports, type ReadLine } from '../../../contracts/imports.contract.ts';
import { RecordCutter } from '../../../mixins/record-cutter.ts';
import type { Upload, UploadRequest } from '../endpoint.ts';
import { isBodyless } from '../json-body.ts';
import { arriving } from './incoming.ts';
import { csvFormat, type LineFormat, ndjsonFormat } from './line-formats.ts';

const TYPE =
  /^(text\/csv|application\/(?:x-)?ndjson)\s*(?:;\s*(?:charset\s*=\s*"?utf-?8"?|header\s*=\s*present)\s*)*$/i;
/** Lines in one message between nodes, and their bytes: one of NATS carries 1 MiB. */
const MESSAGE_MAX_LINES = 500;
const MESSAGE_MAX_BYTES = 256 * 1024;

/** Becomes the parameters of `imports.start`. */
export const deviceFile: Upload = {
  types: ['text/csv', 'application/x-ndjson'],
  async take(upload) {
    const { ctx, request, limits } = upload;
    const format = formatOf(request);
    const dryRun = dryRunOf(upload);
    const hash = createHash('sha256');
    const sending = new Sending(ctx, format, dryRun);
    const cutter = new RecordCutter({ ...format, recordMaxBytes: limits.importLineMaxBytes });
    try {
      for await (const piece of arriving(request, limits.importMaxBytes)) {
        hash.update(piece);
        await sending.add(cutter.push(piece));
      }
      await sending.add(cutter.push(Buffer.alloc(0), true));
      return { id: await sending.finish(), sha256: hash.digest('hex') };
    } catch (error) {
      // What is still coming is thrown away, for as long as `requestTimeout` lets it come: who sends it would not read the answer before.
      request.on('error', () => {}).resume();
      await sending.discard();
      throw error;
    }
  },
};

function formatOf(request: IncomingMessage): LineFormat {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } =
    request.headers as IncomingHttpHeaders;
  const [, found] = TYPE.exec(type) ?? [];
  if (found === undefined)
    throw new SkeinError('unsupported_media_type', 'The body must be text/csv or application/x-ndjson, in UTF-8');
  if (encoding !== 'identity') throw new SkeinError('unsupported_media_type', 'The body must not be compressed');
  if (isBodyless(request)) throw new SkeinError('invalid_request', 'The body is empty');
  return found.toLowerCase() === 'text/csv' ? csvFormat() : ndjsonFormat();
}

function dryRunOf({ query: { dryRun = 'false', ...rest } }: UploadRequest): boolean {
  const [name] = Object.keys(rest);
  if (name !== undefined) throw new SkeinError('invalid_request', `${name.slice(0, 100)} is not known here`);
  if (dryRun !== 'true' && dryRun !== 'false') throw new SkeinError('invalid_request', 'dryRun must be true or false');
  return dryRun === 'true';
}

/** Hands lines on, as many at once as one message carries. */
class Sending {
  readonly #ctx: UploadRequest['ctx'];
  readonly #format: LineFormat;
  readonly #dryRun: boolean;
  #id: string | undefined;
  #waiting: ReadLine[] = [];
  #bytes = 0;

  constructor(ctx: UploadRequest['ctx'], format: LineFormat, dryRun: boolean) {
    this.#ctx = ctx;
    this.#format = format;
    this.#dryRun = dryRun;
  }

  async add(lines: readonly ReadLine[]): Promise<void> {
    for (const line of lines) {
      this.#waiting.push(line);
      this.#bytes += Buffer.byteLength(JSON.stringify(line));
      if (this.#waiting.length >= MESSAGE_MAX_LINES || this.#bytes >= MESSAGE_MAX_BYTES) await this.#send();
    }
  }

  /** Its id, when all lines are there. */
  async finish(): Promise<string> {
    await this.#send();
    return this.#open();
  }

  async discard(): Promise<void> {
    if (this.#id !== undefined) await call(this.#ctx, imports.discard, { id: this.#id }).catch(() => {});
  }

  async #send(): Promise<void> {
    const id = await this.#open();
    if (this.#waiting.length > 0) await call(this.#ctx, imports.add, { id, lines: this.#waiting });
    this.#waiting = [];
    this.#bytes = 0;
  }

  /** Not before its columns are known, which may be wrong. */
  async #open(): Promise<string> {
    if (this.#id !== undefined) return this.#id;
    const { name, columns } = this.#format;
    if (name === 'csv' && columns() === undefined)
      throw new SkeinError('invalid_request', 'The first line does not name the columns');
    const named = columns();
    const params = { format: name, dryRun: this.#dryRun, ...(named && { columns: [...named] }) };
    this.#id = (await call(this.#ctx, imports.open, params)).id;
    return this.#id;
  }
}
