/** What the OpenAPI document says of a path besides what the action's contract says itself. */
import type { ErrorType } from '../../../contracts/errors.ts';
import type { JsonObject } from '../../../contracts/json.ts';
import type { Method } from '../endpoint.ts';

/** JSON Schema 2020-12. */
export type Schema = JsonObject;

export type AnswerDescription = {
  /** Shared ones are referred to: `{ $ref: '#/components/schemas/Device' }` (schemas/index.ts). */
  readonly schema: Schema;
  readonly example: unknown;
  /** Besides those of every answer. */
  readonly headers?: readonly ('ETag' | 'Location')[];
  /** What is no JSON; then the example is a text. Of several types it is one of the first. */
  readonly contentType?: string | readonly string[];
};

export type Description = {
  /** One sentence: what it does. */
  readonly summary: string;
  /** More, as Markdown. */
  readonly description?: string;
  /** The chapter that it belongs to: `Devices`. */
  readonly tag: string;
  /** The body, where the rules of the action don't say it. Otherwise its schema is made of them. */
  readonly body?: Schema;
  /** Of a body that is a file: a text of the first of its types. */
  readonly bodyExample?: unknown;
  /** Of parameters that the rules don't know by this name; by name. */
  readonly query?: { readonly [name: string]: Schema };
  /** Parameters of the action that this path takes neither from the query nor from the body by their name: it says them otherwise, or not at all. */
  readonly omits?: readonly string[];
  /** By status: the usual one has an example. */
  readonly answers: { readonly [status: number]: AnswerDescription };
  /** Those that are special to it. Those of every path that takes a key, a body, a version or an Idempotency-Key are added. */
  readonly errors?: readonly ErrorType[];
};

export type Descriptions = { readonly [line in `${Method} /${string}`]: Description };
