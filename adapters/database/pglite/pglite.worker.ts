/**
 * PGlite's own thread: PostgreSQL in WebAssembly blocks whoever runs it, and the main thread must not be blocked. It
 * speaks PostgreSQL's protocol, so that parameters and results are the same as with a server. When PostgreSQL ends, so does
 * the thread, with an uncaught error that says why.
 */
import { statfsSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { serialize } from 'pg-protocol';
import { AnswerScan } from './answer-scan.ts';
import { EmbeddedPostgres } from './embedded-postgres.ts';
import { Housekeeping } from './housekeeping.ts';
import type { Reply, Request, WorkerSettings } from './worker-messages.ts';

const port = parentPort!;
const { folder, diskFloorMiB } = workerData as WorkerSettings;
const floorBytes = diskFloorMiB * 1024 * 1024;
const COMMIT = serialize.query('COMMIT');
const ROLLBACK = serialize.query('ROLLBACK');

function commit(database: EmbeddedPostgres, bytes: Uint8Array, expectRows: readonly (number | null)[]): Uint8Array[] {
  const pieces = database.run(bytes);
  const scan = new AnswerScan(pieces);
  const asExpected = !scan.failed && expectRows.every((rows, i) => rows === null || rows === scan.rowCounts[i + 1]);
  if (asExpected) return [...pieces, ...database.run(COMMIT)];
  // Its answer would only hide what went wrong.
  database.run(ROLLBACK);
  return pieces;
}

function reply(id: number, answer: readonly Uint8Array[]): void {
  const message: Reply = { id, answer };
  port.postMessage(
    message,
    answer.map(piece => piece.buffer as ArrayBuffer),
  );
}

const refusal = (id: number): Reply => ({ id, answer: [], refused: 'full' });

function isRoom(): boolean {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize >= floorBytes;
}

async function handle(database: EmbeddedPostgres, request: Request): Promise<void> {
  if (request.kind === 'close') {
    await database.close();
    port.close();
    return;
  }
  const { id, bytes } = request;
  const hasRoom = isRoom();
  // PostgreSQL ends when there is no room for its log, and would not start again before there is some.
  if (!hasRoom && (request.kind === 'commit' || request.writes)) return port.postMessage(refusal(id));
  reply(id, request.kind === 'run' ? database.run(bytes) : commit(database, bytes, request.expectRows));
  if (hasRoom && !database.isInTransaction()) housekeeping.afterRequest(bytes.byteLength);
}

const database = await EmbeddedPostgres.open(folder);
const housekeeping = new Housekeeping(
  bytes => database.run(bytes),
  () => performance.now(),
);
port.on('message', (request: Request) => void handle(database, request));
reply(0, []);
