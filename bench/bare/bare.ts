/**
 * `bare`, the reference that Skein is measured against: aedes, JSON.parse, COPY in two lanes, PUBACK after the commit.
 * No keys, no permissions, no checks, no actors: what a good engineer writes when nothing else is asked for.
 *
 * Run: node bench/bare/bare.ts (postgres://... | folder) [port]. Prints `mqtt://127.0.0.1:<port>` when it is ready. A device
 * `d<number>` has the uid of its number.
 */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import { Rows } from './rows.ts';
import { startWriters, type Writer } from './writers.ts';

/** About 20 ms of COPY; also what Skein's lanes take. */
const BATCH_MAX_MESSAGES = 5_000;

type Stored = (error?: Error | null) => void;
type Message = { ts: number; values: Record<string, number> };
const MEASUREMENTS: Record<string, number> = { temperature: 1, humidity: 2, pressure: 3 };

const [database = '', port = '0'] = process.argv.slice(2);
const writers = await startWriters(database.startsWith('postgres') ? { url: database } : { folder: database });
const idle: Writer[] = [...writers];
const uids = new Map<string, number>();
/** Full batches wait in line; the last of them is the one that gathers. */
const batches: { rows: Rows; stored: Stored[] }[] = [];

function uidOf(topic: string): number {
  const known = uids.get(topic);
  if (known !== undefined) return known;
  const uid = Number(topic.split('/')[1]!.slice(1));
  uids.set(topic, uid);
  return uid;
}

function receive(topic: string, payload: string, stored: Stored): void {
  let batch = batches.at(-1);
  if (!batch || batch.stored.length >= BATCH_MAX_MESSAGES) {
    batch = { rows: new Rows(), stored: [] };
    batches.push(batch);
  }
  const { ts, values } = JSON.parse(payload) as Message;
  const uid = uidOf(topic);
  for (const name in values) batch.rows.add(uid, MEASUREMENTS[name]!, ts, values[name]!);
  batch.stored.push(stored);
  // What arrived in the same turn of the event loop leaves together.
  if (batch.stored.length === 1 && idle.length > 0) setImmediate(writeNext);
}

async function writeNext(): Promise<void> {
  const writer = batches.length > 0 ? idle.pop() : undefined;
  if (!writer) return;
  const { rows, stored } = batches.shift()!;
  await writer.write(rows.take());
  idle.push(writer);
  writeNext();
  for (const acknowledge of stored) acknowledge();
}

const broker = await Aedes.createBroker({
  authorizePublish: (_client, { topic, payload }, done) => receive(topic, payload.toString(), done),
});
const server = createServer({ noDelay: true }, broker.handle);
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 1_024 }, () => {
  console.log(`bare mqtt://127.0.0.1:${(server.address() as { port: number }).port}`);
});

process.on('SIGTERM', async () => {
  server.close();
  await new Promise<void>(resolve => broker.close(resolve));
  await Promise.all([...new Set(writers)].map(writer => writer.close()));
  process.exit(0);
});
