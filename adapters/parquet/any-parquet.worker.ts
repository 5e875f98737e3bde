/** A thread that decodes one file, one row group at a time, and goes on when the next rows are wanted. */
import { parentPort, workerData } from 'node:worker_threads';
import { findColumns, ROLES, type Role, valuesOf } from './any-columns.ts';
import type { Batch, FromThread, ToThread, Work } from './any-messages.ts';
import { decodeColumn, fetchColumns, flatColumns } from './columns.ts';
import { ParquetError } from './parquet-error.ts';
import { type ParquetFile, readFooter } from './parquet-file.ts';

const { byteLength, mapping, limits, fromRow } = workerData as Work;
const port = parentPort!;
const send = (message: FromThread): void => port.postMessage(message);

const wanted = new Map<number, (bytes: ArrayBuffer) => void>();
let lastId = 0;
const file: ParquetFile = {
  byteLength,
  slice(start, end) {
    const { promise, resolve } = Promise.withResolvers<ArrayBuffer>();
    wanted.set(++lastId, resolve);
    send({ kind: 'wants', id: lastId, start, end });
    return promise;
  },
};

async function* batches(): AsyncGenerator<Batch> {
  const metadata = await readFooter(file, limits);
  const names = findColumns(metadata, mapping);
  const roles = ROLES.filter(role => names[role] !== undefined);
  const elements = flatColumns(metadata);
  let firstRow = 1;
  for (const [group, { num_rows }] of metadata.row_groups.entries()) {
    const rows = Number(num_rows);
    if (firstRow + rows <= fromRow) {
      firstRow += rows;
      continue;
    }
    const pieces = await fetchColumns(file, metadata, group, [...new Set(roles.map(role => names[role]!))], limits);
    const columns: { [role in Role]?: unknown[] } = {};
    for (const role of roles) {
      const name = names[role]!;
      const values = await decodeColumn(pieces, metadata, group, name, limits);
      columns[role] = valuesOf(role, elements.get(name)!, values);
    }
    for (let at = Math.max(0, fromRow - firstRow); at < rows; at += limits.parquetBatchRows) {
      const part = Object.entries(columns).map(([role, values]) => [
        role,
        values.slice(at, at + limits.parquetBatchRows),
      ]);
      yield {
        firstRow: firstRow + at,
        rows: Math.min(limits.parquetBatchRows, rows - at),
        columns: Object.fromEntries(part),
      };
    }
    firstRow += rows;
  }
}

const reading = batches();
port.on('message', async (message: ToThread) => {
  if (message.kind === 'bytes') {
    wanted.get(message.id)!(message.bytes);
    wanted.delete(message.id);
    return;
  }
  try {
    const { done, value } = await reading.next();
    send(done ? { kind: 'end' } : { kind: 'batch', batch: value });
  } catch (error) {
    if (!(error instanceof ParquetError)) throw error;
    send({ kind: 'failed', error: error.kind, message: error.message });
  }
});
