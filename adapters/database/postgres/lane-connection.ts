/** One connection of a lane, and the transactions on it. When it breaks it is thrown away, and the lane makes another. */
import pg from 'pg';
import type { Row, Step } from '../database.ts';
import { isStaleStatement, toDatabaseError } from '../wire/database-errors.ts';
import { unexpectedRows } from '../wire/expectations.ts';
import { StatementNames } from '../wire/statement-names.ts';
import { BEGIN, encodePrepare, encodeSteps, sqlOf } from '../wire/step-messages.ts';
import { type ConnectionSettings, clientSettings, prepareSession } from './connection-settings.ts';
import { Session } from './session.ts';

/**
 * Statements of a lane, and of a reader, look up rows by their keys, however many. A plan that was made while a table was empty, and kept, would read the
 * whole table with every transaction.
 */
export const BY_KEYS = 'SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off';

export class LaneConnection {
  readonly #client: pg.Client;
  readonly #session: Session;
  readonly #statementTimeoutMs: number;
  readonly #names = new StatementNames();

  constructor(settings: ConnectionSettings) {
    this.#statementTimeoutMs = settings.limits.laneStatementTimeoutMs;
    this.#client = new pg.Client(clientSettings(settings));
    this.#session = new Session(this.#client, 2 * this.#statementTimeoutMs);
  }

  get broken(): boolean {
    return this.#session.broken;
  }

  async connect(): Promise<void> {
    try {
      await this.#client.connect();
      await prepareSession(this.#client, this.#statementTimeoutMs);
      await this.#client.query(BY_KEYS);
    } catch (error) {
      this.#session.destroy(error as Error);
      throw toDatabaseError(error, false);
    }
  }

  /** The rows of each step, all committed. */
  async commit(steps: readonly Step[]): Promise<Row[][]> {
    await this.#prepare([BEGIN, ...steps.map(sqlOf)]);
    const rows = await this.#run(steps);
    const unexpected = unexpectedRows(steps, rows);
    if (unexpected !== undefined) {
      await this.#session.rollback();
      throw unexpected;
    }
    await this.#session.commit();
    return rows;
  }

  async end(): Promise<void> {
    await this.#client.end().catch(() => {});
  }

  async #prepare(sqls: readonly string[]): Promise<void> {
    const missing = this.#names.missing(sqls);
    if (missing.length === 0) return;
    try {
      await this.#session.send(encodePrepare(missing, this.#names));
    } catch (error) {
      // Which of them the server knows now is not worth finding out.
      this.#session.destroy(error as Error);
      throw toDatabaseError(error, false);
    }
  }

  async #run(steps: readonly Step[]): Promise<Row[][]> {
    const messages = encodeSteps(steps, this.#names);
    try {
      const answers = await this.#session.send(messages);
      return answers.rows.slice(1);
    } catch (error) {
      // A new connection prepares everything anew.
      if (isStaleStatement(error)) this.#session.destroy(error as Error);
      await this.#session.rollback();
      throw toDatabaseError(error, false);
    }
  }
}
