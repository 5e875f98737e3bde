/**
 * One HTTP/1.1 connection that stays open, with one request at a time: the request is bytes that were made beforehand, and of the answer only
 * its status, its length and its body are read. `fetch` and `node:http` cost several times as much, on cores that the server needs.
 */
import { connect, type Socket } from 'node:net';

export type HttpAnswer = { readonly status: number; readonly body: string };

const END_OF_HEAD = '\r\n\r\n';
const STATUS = /^HTTP\/1\.1 (\d{3})/;
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;

/** The bytes of one request. */
export function requestBytes(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Buffer {
  const length: Record<string, string> = body === '' ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const all = Object.entries({ Host: '127.0.0.1', ...headers, ...length });
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${all.map(it => `${it.join(': ')}\r\n`).join('')}\r\n${body}`);
}

export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: PromiseWithResolvers<HttpAnswer> | undefined;
  #ended: Error | undefined;

  /** Resolves when it is connected. */
  static async open(port: number): Promise<HttpConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new HttpConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', chunk => this.#receive(chunk));
    socket.on('error', error => this.#end(error));
    socket.on('close', () => this.#end(new Error('The server closed the connection')));
  }

  /** Rejects when the connection ends first, or the answer is none that this can read. */
  ask(request: Buffer): Promise<HttpAnswer> {
    if (this.#ended) return Promise.reject(this.#ended);
    this.#waiting = Promise.withResolvers();
    this.#socket.write(request);
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const answer = this.#answer();
    if (answer === undefined) return;
    this.#received = Buffer.alloc(0);
    this.#waiting?.resolve(answer);
    this.#waiting = undefined;
  }

  /** The answer, when all of it is there. */
  #answer(): HttpAnswer | undefined {
    const headEnd = this.#received.indexOf(END_OF_HEAD);
    if (headEnd < 0) return undefined;
    const head = this.#received.toString('latin1', 0, headEnd);
    const status = Number(STATUS.exec(head)?.[1]);
    const bodyAt = headEnd + END_OF_HEAD.length;
    if (CHUNKED.test(head)) return this.#chunked(status, bodyAt);
    const length = Number(LENGTH.exec(head)?.[1] ?? 0);
    if (this.#received.length < bodyAt + length) return undefined;
    return { status, body: this.#received.toString('utf8', bodyAt, bodyAt + length) };
  }

  /** RFC 9112, 7.1. Trailers are not expected. */
  #chunked(status: number, bodyAt: number): HttpAnswer | undefined {
    const parts: Buffer[] = [];
    for (let at = bodyAt; ; ) {
      const lineEnd = this.#received.indexOf('\r\n', at);
      if (lineEnd < 0) return undefined;
      const size = Number.parseInt(this.#received.toString('latin1', at, lineEnd), 16);
      const next = lineEnd + 2 + size + 2;
      if (this.#received.length < next) return undefined;
      if (size === 0) return { status, body: Buffer.concat(parts).toString('utf8') };
      parts.push(this.#received.subarray(lineEnd + 2, next - 2));
      at = next;
    }
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }
}
