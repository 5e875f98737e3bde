/** Gathers what the server answers to a pipeline of statements: the rows of each, or the first error. */
import type { DatabaseError as ServerMessage } from 'pg-protocol';
import type { Row } from '../database.ts';
import { parserOf } from './column-types.ts';

/** Of pg-protocol's messages, what is read here. */
export type FieldDescription = { readonly name: string; readonly dataTypeID: number };
export type AnswerMessage = {
  readonly name: string;
  readonly fields?: readonly unknown[];
  readonly text?: string;
};

type Column = { readonly name: string; readonly parse: (text: string) => unknown };

export class StepAnswers {
  /** One list for each statement that has ended. */
  readonly rows: Row[][] = [];
  /** Command tags, such as `COMMIT`, one for each statement that has ended. */
  readonly tags: string[] = [];
  error: Error | undefined;
  #columns: Column[] = [];
  #current: Row[] = [];

  accept(message: AnswerMessage): void {
    if (this.error !== undefined) return;
    if (message.name === 'rowDescription') this.describe(message.fields as FieldDescription[]);
    else if (message.name === 'dataRow') this.row(message.fields as (string | null)[]);
    else if (message.name === 'commandComplete') this.complete(message.text ?? '');
    else if (message.name === 'emptyQuery') this.complete('');
    else if (message.name === 'error') this.error = message as ServerMessage;
  }

  describe(fields: readonly FieldDescription[]): void {
    this.#columns = fields.map(field => ({ name: field.name, parse: parserOf(field.dataTypeID) }));
  }

  row(values: readonly (string | null)[]): void {
    const row: Row = {};
    for (const [i, column] of this.#columns.entries()) {
      const text = values[i];
      row[column.name] = text === null || text === undefined ? null : column.parse(text);
    }
    this.#current.push(row);
  }

  complete(tag: string): void {
    this.tags.push(tag);
    this.rows.push(this.#current);
    this.#current = [];
  }
}
