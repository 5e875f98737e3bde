/**
 * The steps of a commit as messages of PostgreSQL's extended query protocol
 * (https://www.postgresql.org/docs/15/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY): all of them, then one Sync, so that
 * one write and one answer do for a whole transaction but its COMMIT. After an error the server skips to the Sync, so
 * nothing runs after a failed step.
 */
import { serialize } from 'pg-protocol';
import type { Step } from '../database.ts';
import { encodeParameters } from './parameters.ts';
import type { StatementNames } from './statement-names.ts';

export const BEGIN = 'BEGIN';

/** The statement of a step. Identifiers are quoted. */
export const sqlOf = (step: Step): string =>
  step.kind === 'query'
    ? step.sql
    : `COPY ${quoted(step.table)} (${step.columns.map(quoted).join(', ')}) FROM STDIN (FORMAT binary)`;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** BEGIN and all steps, whose statements have been prepared under `names`. */
export function encodeSteps(steps: readonly Step[], names: StatementNames): Uint8Array[] {
  const messages: Uint8Array[] = [serialize.bind({ statement: names.of(BEGIN) }), serialize.execute()];
  for (const step of steps) {
    const statement = names.of(sqlOf(step));
    if (step.kind === 'query') {
      const values = encodeParameters(step.params ?? []);
      messages.push(serialize.bind({ statement, values }), serialize.describe({ type: 'P' }), serialize.execute());
    } else {
      messages.push(serialize.bind({ statement }), serialize.execute());
      messages.push(copyHeader(step.data.byteLength), step.data, serialize.copyDone());
    }
  }
  messages.push(serialize.sync());
  return messages;
}

/** One statement by itself, not prepared: it commits by itself at the Sync. */
export function encodeQuery(sql: string, params: readonly unknown[] = []): Uint8Array[] {
  return [
    serialize.parse({ text: sql }),
    serialize.bind({ values: encodeParameters(params) }),
    serialize.describe({ type: 'P' }),
    serialize.execute(),
    serialize.sync(),
  ];
}

/** One statement by itself that has been prepared. */
export function encodePrepared(statement: string, params: readonly unknown[]): Uint8Array[] {
  return [
    serialize.bind({ statement, values: encodeParameters(params) }),
    serialize.describe({ type: 'P' }),
    serialize.execute(),
    serialize.sync(),
  ];
}

/** Prepares statements, and first forgets those that had to make room. */
export function encodePrepare(sqls: readonly string[], names: StatementNames): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (const sql of sqls) {
    const { name, replaced } = names.add(sql);
    if (replaced !== undefined) messages.push(serialize.close({ type: 'S', name: replaced }));
    messages.push(serialize.parse({ text: sql, name }));
  }
  messages.push(serialize.sync());
  return messages;
}

/** Type and length of a CopyData message; the data follows as it is, without being copied. */
function copyHeader(dataBytes: number): Uint8Array {
  const header = Buffer.allocUnsafe(5);
  header[0] = 0x64;
  header.writeInt32BE(dataBytes + 4, 1);
  return header;
}

/** All messages in one piece of memory of its own, so that it can be moved to another thread. */
export function joinMessages(messages: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(messages.reduce((sum, message) => sum + message.byteLength, 0));
  let at = 0;
  for (const message of messages) {
    bytes.set(message, at);
    at += message.byteLength;
  }
  return bytes;
}
