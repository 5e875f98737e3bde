/**
 * A query of pg's Client that writes its messages in one go and gathers the answers until the server is ready again. It
 * stands where pg's own Query and pg-copy-streams stand (`Submittable`), and adds two things that they lack: several
 * statements for one answer, and COPY data that is not waited for.
 */
import type pg from 'pg';
import { type AnswerMessage, type FieldDescription, StepAnswers } from '../wire/step-answers.ts';

export class Pipeline implements pg.Submittable {
  readonly #messages: readonly Uint8Array[];
  readonly #answers = new StepAnswers();
  readonly #settle: PromiseWithResolvers<StepAnswers> = Promise.withResolvers();

  constructor(messages: readonly Uint8Array[]) {
    this.#messages = messages;
  }

  /** Resolves when the server is ready for the next; rejects with the server's error, or when the connection breaks. */
  get done(): Promise<StepAnswers> {
    return this.#settle.promise;
  }

  submit(connection: pg.Connection): void {
    const { stream } = connection;
    stream.cork();
    for (const message of this.#messages) stream.write(message);
    stream.uncork();
  }

  handleRowDescription(message: { fields: FieldDescription[] }): void {
    this.#answers.describe(message.fields);
  }

  handleDataRow(message: { fields: (string | null)[] }): void {
    this.#answers.row(message.fields);
  }

  handleCommandComplete(message: AnswerMessage): void {
    this.#answers.complete(message.text ?? '');
  }

  handleEmptyQuery(): void {
    this.#answers.complete('');
  }

  handleError(error: Error): void {
    this.#settle.reject(error);
  }

  handleReadyForQuery(): void {
    this.#settle.resolve(this.#answers);
  }

  /** The data has been sent already. */
  handleCopyInResponse(): void {}
}
