/** PGlite in a thread of its own: one message is one batch of rows, and is answered when it is stored. */
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { CREATE_TABLE, copyInto, DUPLICATE_KEY, FROM_SPARE, SPARE_TABLE } from './sql.ts';

const database = await PGlite.create(workerData as string);
await database.exec(`${CREATE_TABLE}; ${SPARE_TABLE}`);

const copy = (table: string, rows: Uint8Array<ArrayBuffer>) =>
  database.query(copyInto(table, `'/dev/blob'`), [], { blob: new Blob([rows]) });

async function store(rows: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    await copy('telemetry', rows);
  } catch (error) {
    if ((error as { code?: string }).code !== DUPLICATE_KEY) throw error;
    await copy('spare', rows);
    await database.exec(FROM_SPARE);
  }
}

let last: Promise<void> = Promise.resolve();
parentPort!.on('message', (rows: Uint8Array<ArrayBuffer> | undefined) => {
  last = last.then(async () => {
    if (rows) {
      await store(rows);
      parentPort!.postMessage(undefined);
    } else {
      await database.close();
      parentPort!.close();
    }
  });
});
parentPort!.postMessage('ready');
