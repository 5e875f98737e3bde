/** PGlite's one session: what is asked of it, in PostgreSQL's protocol, and what its answers mean. */
import { serialize } from 'pg-protocol';
import { DatabaseError, type Row, type Step } from '../database.ts';
import { isStaleStatement, mayWrite, onlyReads, toDatabaseError } from '../wire/database-errors.ts';
import { decodeAnswer } from '../wire/decode-answer.ts';
import { unexpectedRows } from '../wire/expectations.ts';
import { StatementNames } from '../wire/statement-names.ts';
import type { StepAnswers } from '../wire/step-answers.ts';
import { BEGIN, encodePrepare, encodeQuery, encodeSteps, joinMessages, sqlOf } from '../wire/step-messages.ts';
import { WorkerClient } from './worker-client.ts';
import type { WorkerSettings } from './worker-messages.ts';

export class PgliteSession {
  readonly #worker: WorkerClient;
  readonly #names = new StatementNames();

  /** `patienceMs`: for one request. Rejects with an Error that says why. */
  static async open(settings: WorkerSettings, patienceMs: number): Promise<PgliteSession> {
    const session = new PgliteSession(new WorkerClient(settings, patienceMs));
    try {
      await session.#worker.opened();
      await session.#run([serialize.query(SETTINGS)], false);
      return session;
    } catch (error) {
      await session.#worker.kill(error as Error);
      throw error;
    }
  }

  private constructor(worker: WorkerClient) {
    this.#worker = worker;
  }

  get dead(): boolean {
    return this.#worker.dead;
  }

  /** Resolves when the thread is gone and touches its files no more. */
  get ended(): Promise<void> {
    return this.#worker.ended;
  }

  async query<R extends Row>(sql: string, params: readonly unknown[], insideTransaction: boolean): Promise<R[]> {
    const commitSent = !insideTransaction && !onlyReads(sql);
    const answers = await this.#run(encodeQuery(sql, params), commitSent, mayWrite(sql));
    return answers.rows[0] as R[];
  }

  /**
   * All steps in one transaction, with one message to the thread and one back. Messages go out before anything is waited
   * for, so that what other lanes prepare and forget comes before or after both.
   */
  async commit(steps: readonly Step[]): Promise<Row[][]> {
    const [prepared, committed] = await Promise.allSettled([
      this.#prepare([BEGIN, ...steps.map(sqlOf)]),
      this.#commitSteps(steps),
    ]);
    // A statement that cannot be prepared is the reason; that it then was not there only follows.
    if (prepared.status === 'rejected' && !this.dead) throw prepared.reason;
    if (committed.status === 'rejected') throw committed.reason;
    return committed.value;
  }

  /** Several statements in one transaction, for as long as they take. */
  async script(sql: string): Promise<void> {
    expectCommitted(await this.#commit([serialize.query(BEGIN), serialize.query(sql)], [], true));
  }

  async begin(): Promise<void> {
    await this.#run([serialize.query(BEGIN)], false);
  }

  async commitTransaction(): Promise<void> {
    expectCommitted(await this.#run([serialize.query('COMMIT')], true));
  }

  async rollback(): Promise<void> {
    if (!this.dead) await this.#run([serialize.query('ROLLBACK')], false).catch(() => {});
  }

  close(): Promise<void> {
    return this.#worker.close();
  }

  async #prepare(sqls: readonly string[]): Promise<void> {
    const missing = this.#names.missing(sqls);
    if (missing.length === 0) return;
    await this.#run(encodePrepare(missing, this.#names), false).catch(error => this.#forgetStatements(error));
  }

  async #commitSteps(steps: readonly Step[]): Promise<Row[][]> {
    const expectRows = steps.map(step => (step.kind === 'query' ? (step.expectRows ?? null) : null));
    const answers = await this.#commit(encodeSteps(steps, this.#names), expectRows).catch(error =>
      isStaleStatement(error) ? this.#forgetStatements(error) : Promise.reject(error),
    );
    const rows = answers.rows.slice(1, 1 + steps.length);
    const unexpected = unexpectedRows(steps, rows);
    if (unexpected !== undefined) throw unexpected;
    expectCommitted(answers);
    return rows;
  }

  /** Which of them the database knows is not worth finding out. Rejects with `error`. */
  async #forgetStatements(error: unknown): Promise<never> {
    this.#names.clear();
    await this.#run([serialize.query('DEALLOCATE ALL')], false).catch(() => {});
    throw error;
  }

  #run(messages: readonly Uint8Array[], commitSent: boolean, writes = false): Promise<StepAnswers> {
    return this.#request({ kind: 'run', bytes: joinMessages(messages), writes }, commitSent);
  }

  #commit(messages: readonly Uint8Array[], expectRows: (number | null)[], unlimited = false): Promise<StepAnswers> {
    return this.#request({ kind: 'commit', bytes: joinMessages(messages), expectRows }, true, unlimited);
  }

  async #request(
    request: Parameters<WorkerClient['request']>[0],
    commitSent: boolean,
    unlimited = false,
  ): Promise<StepAnswers> {
    const sent = commitSent && !this.dead;
    const pieces = await this.#worker.request(request, unlimited).catch(error => {
      throw toDatabaseError(error, sent);
    });
    const answers = decodeAnswer(pieces);
    if (answers.error !== undefined) throw toDatabaseError(answers.error, commitSent);
    return answers;
  }
}

/** PGlite has no timers of its own, so no statement timeout; the rest is as with a server. */
const SETTINGS = "SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET synchronous_commit = on";

function expectCommitted({ tags }: StepAnswers): void {
  if (tags.at(-1) !== 'COMMIT') throw new DatabaseError('failed', 'A statement failed, so the transaction was undone');
}
