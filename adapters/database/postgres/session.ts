/** A connection of pg, with a limit on its patience and one way to tell what an error means for what was asked. */
import type pg from 'pg';
import { serialize } from 'pg-protocol';
import { DatabaseError, type Row } from '../database.ts';
import { endsSession, isServerError, onlyReads, toDatabaseError } from '../wire/database-errors.ts';
import type { StepAnswers } from '../wire/step-answers.ts';
import { encodeQuery } from '../wire/step-messages.ts';
import { Pipeline } from './pipeline.ts';

export class Session {
  readonly #client: pg.Client;
  readonly #patienceMs: number;
  readonly #onError = (error: Error) => this.#break(error);
  readonly #onEnd = () => this.#break(new Error('the connection was closed'));
  #broken: Error | undefined;

  /** `patienceMs`: a server that is cut off or frozen never answers, and nothing else would tell. */
  constructor(client: pg.Client, patienceMs: number) {
    this.#client = client;
    this.#patienceMs = patienceMs;
    // Without a listener a connection that breaks while nothing runs on it would end the process.
    client.on('error', this.#onError);
    client.on('end', this.#onEnd);
  }

  get broken(): boolean {
    return this.#broken !== undefined;
  }

  /** Stops watching a connection that goes back to its pool. */
  detach(): void {
    this.#client.off('error', this.#onError);
    this.#client.off('end', this.#onEnd);
  }

  /**
   * Several messages up to a Sync, and all their answers. Rejects with what the server or the socket said; with a
   * DatabaseError (`unavailable`) when the connection was broken before, so that nothing was sent.
   */
  async send(messages: readonly Uint8Array[], patienceMs = this.#patienceMs): Promise<StepAnswers> {
    if (this.#broken !== undefined) throw toDatabaseError(this.#broken, false);
    const pipeline = new Pipeline(messages);
    const patience =
      patienceMs === Number.POSITIVE_INFINITY
        ? undefined
        : setTimeout(() => this.destroy(new Error('it did not answer in time')), patienceMs);
    try {
      this.#client.query(pipeline);
      return await pipeline.done;
    } catch (error) {
      // The server closes the connection next; until then it would look like one that can be used.
      if (isServerError(error) && endsSession(error)) this.destroy(error);
      throw error;
    } finally {
      clearTimeout(patience);
    }
  }

  /** One statement, by itself or inside a transaction. */
  async query<R extends Row>(sql: string, params: readonly unknown[], insideTransaction: boolean): Promise<R[]> {
    const answers = await this.send(encodeQuery(sql, params)).catch(error => {
      throw toDatabaseError(error, !insideTransaction && !onlyReads(sql));
    });
    return answers.rows[0] as R[];
  }

  /** Several statements inside the open transaction, for as long as they take. */
  async script(sql: string): Promise<void> {
    const messages = [serialize.query('SET LOCAL statement_timeout = 0'), serialize.query(sql)];
    for (const message of messages) {
      await this.send([message], Number.POSITIVE_INFINITY).catch(error => {
        throw toDatabaseError(error, false);
      });
    }
  }

  /** Commits the open transaction. */
  async commit(): Promise<void> {
    const { tags } = await this.send([serialize.query('COMMIT')]).catch(error => {
      throw toDatabaseError(error, true);
    });
    if (tags[0] !== 'COMMIT') throw new DatabaseError('failed', 'A statement failed, so the transaction was undone');
  }

  /** Undoes the open transaction. A connection that cannot do even this is of no more use. */
  async rollback(): Promise<void> {
    if (!this.broken) await this.send([serialize.query('ROLLBACK')]).catch(error => this.destroy(error));
  }

  /** Ends the connection at once; the server undoes what was not committed. */
  destroy(reason: Error): void {
    this.#break(reason);
    // Every client of pg has it, those of a pool too; only the type of the latter does not say so.
    (this.#client as pg.Client).connection.stream.destroy(reason);
  }

  #break(reason: Error): void {
    this.#broken ??= reason;
  }
}
