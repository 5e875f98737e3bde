/**
 * PGlite's own thread: PostgreSQL in WebAssembly blocks whoever runs it, and the main thread must not be blocked. It
 * speaks PostgreSQL's protocol, so that parameters and results are the same as with a server.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { serialize } from 'pg-protocol';
import { AnswerScan } from './answer-scan.ts';
import type { Reply, Request, WorkerSettings } from './worker-messages.ts';

const port = parentPort!;
const { folder } = workerData as WorkerSettings;
const COMMIT = serialize.query('COMMIT');
const ROLLBACK = serialize.query('ROLLBACK');

/** Runs until all of `bytes` is answered. The pieces are copies: the originals lie in PGlite's memory. */
function run(database: PGlite, bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  // All work is done before this returns; its promise is about file systems that must be told to store (not this one).
  void database.execProtocolRawStream(bytes, { syncToFs: false, onRawData: piece => pieces.push(piece.slice()) });
  return pieces;
}

function commit(database: PGlite, bytes: Uint8Array, expectRows: readonly (number | null)[]): Uint8Array[] {
  const pieces = run(database, bytes);
  const scan = new AnswerScan(pieces);
  const asExpected = !scan.failed && expectRows.every((rows, i) => rows === null || rows === scan.rowCounts[i + 1]);
  // The answer to ROLLBACK would only hide what went wrong.
  return asExpected ? [...pieces, ...run(database, COMMIT)] : (run(database, ROLLBACK), pieces);
}

async function handle(database: PGlite, request: Request): Promise<Uint8Array[]> {
  if (request.kind === 'run') return run(database, request.bytes);
  if (request.kind === 'commit') return commit(database, request.bytes, request.expectRows);
  await database.close();
  port.close();
  return [];
}

function reply(message: Reply): void {
  port.postMessage(message, 'answer' in message ? message.answer.map(piece => piece.buffer as ArrayBuffer) : []);
}

try {
  const database = await PGlite.create({ dataDir: folder });
  port.on('message', (request: Request) => {
    handle(database, request).then(
      answer => reply({ id: request.id, answer }),
      error => reply({ id: request.id, problem: String(error) }),
    );
  });
  reply({ id: 0, answer: [] });
} catch (error) {
  reply({ id: 0, problem: error instanceof Error ? error.message : String(error) });
}
