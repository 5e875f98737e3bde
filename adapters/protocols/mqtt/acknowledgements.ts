/**
 * Answers to PUBLISH and PUBREL. A commit settles thousands of uplinks in one turn of the event loop: what one connection
 * is told then leaves as one write.
 */
import type { Client } from 'aedes';
import { packetDone, signOfLife, whenDrained } from './aedes-internals.ts';
import { SUCCESS } from './reasons.ts';

export const PUBACK = 0x40;
export const PUBREC = 0x50;
export const PUBCOMP = 0x70;
/** Done, and nothing is said: QoS 0. */
const SILENCE = 0;

/** Whoever is answered. `answers` is empty between two turns, so that an idle connection has none. */
export type Answered = { readonly client: Client; answers: number[] | undefined };

export class Acknowledgements {
  #waiting: Answered[] = [];

  /** @param reason a reason code; other than success, for MQTT 5 only */
  answer(to: Answered, packet: typeof PUBACK | typeof PUBREC | typeof PUBCOMP, id: number, reason: number): void {
    this.#add(to, (packet << 24) | (reason << 16) | id);
  }

  silence(to: Answered): void {
    this.#add(to, SILENCE);
  }

  /** Writes what this connection is still owed, because it is about to be closed. */
  flush(to: Answered): void {
    if (to.answers === undefined) return;
    const bytes = encode(to.answers);
    to.answers = undefined;
    if (bytes.length > 0 && !to.client.closed) to.client.conn.write(bytes);
  }

  #add(to: Answered, answer: number): void {
    if (to.answers !== undefined) {
      to.answers.push(answer);
      return;
    }
    to.answers = [answer];
    // Never at once: a packet that is done while its chunk is still being parsed must not start the next read.
    if (this.#waiting.push(to) === 1) process.nextTick(() => this.#turn());
  }

  #turn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const to of waiting) send(to);
  }
}

/** One who does not read what it is told is not read from either. */
function send(to: Answered): void {
  const { answers, client } = to;
  to.answers = undefined;
  if (answers === undefined || client.closed) return;
  const bytes = encode(answers);
  if (bytes.length === 0 || client.conn.write(bytes)) done(client, answers.length);
  else whenDrained(client, () => done(client, answers.length));
}

function done(client: Client, count: number): void {
  signOfLife(client);
  for (let i = 0; i < count && !client.closed; i++) packetDone(client);
}

/** Sections 3.4.2, 3.5.2 and 3.7.2: without a reason code the packet ends behind its identifier, and means success. */
function encode(answers: readonly number[]): Uint8Array {
  let size = 0;
  for (const answer of answers) size += answer === SILENCE ? 0 : reasonOf(answer) === SUCCESS ? 4 : 5;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const answer of answers) {
    if (answer === SILENCE) continue;
    const reason = reasonOf(answer);
    bytes[at++] = answer >> 24;
    bytes[at++] = reason === SUCCESS ? 2 : 3;
    bytes[at++] = answer >> 8;
    bytes[at++] = answer;
    if (reason !== SUCCESS) bytes[at++] = reason;
  }
  return bytes;
}

const reasonOf = (answer: number): number => (answer >> 16) & 0xff;
