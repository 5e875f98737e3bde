/** What the OpenAPI document says of a path besides what the action's contract says itself. */
import type { ErrorType } from '../../../contracts/errors.ts';
import type { JsonObject } from '../../../contracts/json.ts';
import type { Method } from '../endpoint.ts';

/** JSON Schema 2020-12. */
export type Schema = JsonObject;

export type Description = {
  /** One sentence: what it does. */
  readonly summary: string;
  /** More, as Markdown. */
  readonly description?: string;
  /** The chapter that it belongs to: `Devices`. */
  readonly tag: string;
  /** The body, where the rules of the action don't say it. Otherwise its schema is made of them. */
  readonly body?: Schema;
  readonly bodyExample?: unknown;
  /** Of parameters that the rules don't know by this name; by name. */
  readonly query?: { readonly [name: string]: Schema };
  /** By status: the usual one has an example. */
  readonly answers: { readonly [status: number]: { readonly schema: Schema; readonly example: unknown } };
  /** Those that are special to it. Those of every path that takes a key, a body, a version or an Idempotency-Key are added. */
  readonly errors?: readonly ErrorType[];
};

export type Descriptions = { readonly [line in `${Method} /${string}`]: Description };
