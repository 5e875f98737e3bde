/** One line of the table of paths: what a request becomes, and what is made of the answer. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Principal } from '../../contracts/access.contract.ts';
import type { BlobStore } from '../../contracts/blobs.ts';
import type { Access, Action, Caller, Rules } from '../../contracts/contract.ts';
import type { Limits } from '../../contracts/limits.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request whose caller is known and whose body was read. Nothing in it is to be trusted. */
export type ApiRequest = {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
  /** Undefined on paths that need no key. */
  readonly principal: Principal | undefined;
  readonly limits: Limits;
  readonly nowMs: number;
};

export type Reply = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Becomes JSON; a text, bytes or a stream of them when there is a `contentType`. */
  readonly body: unknown;
  readonly contentType?: string;
};

/** Makes the parameters of the action. The action's own rules check them, so what it can't read it passes on as it is. */
export type Read = (request: ApiRequest) => Record<string, unknown>;
/** `more` calls the action again with some other parameters: for an answer of several pages. */
export type Answer<R> = (result: R, more: (params: Record<string, unknown>) => Promise<R>) => Reply;

/** A body that is not JSON. What is made of it is the `body` that `read` gets. */
export type Upload = {
  readonly types: readonly string[];
  readonly take: (upload: UploadRequest) => Promise<unknown>;
};
export type UploadRequest = {
  /** Calls for the caller of the request. */
  readonly ctx: Caller;
  readonly request: IncomingMessage;
  readonly query: Readonly<Record<string, unknown>>;
  readonly limits: Limits;
  /** For what is too large to travel between nodes. */
  readonly blobs: BlobStore;
};

export type Endpoint = {
  readonly method: Method;
  readonly path: string;
  readonly action: string;
  /** Of the action, for the description of the path. */
  readonly rules: Rules;
  readonly access: Access;
  readonly read: Read;
  readonly answer: Answer<never>;
  /** Nobody has to say who it is. */
  readonly isPublic: boolean;
  /** `optional`: undefined when there is none. */
  readonly takesBody: boolean | 'optional';
  /** How the body is taken when it is not JSON. */
  readonly upload?: Upload | undefined;
  /** Takes an Idempotency-Key. */
  readonly creates: boolean;
  /** It only reads, though it is no GET: so it is taken while the disk is full. */
  readonly storesNothing: boolean;
};

type Traits = Partial<Pick<Endpoint, 'takesBody' | 'creates' | 'upload' | 'storesNothing'>>;

/** A path to an action. Who may take it is said by the action. */
export function endpoint<P, R>(
  method: Method,
  path: string,
  action: Action<P, R>,
  read: Read,
  answer: Answer<R>,
  { takesBody = false, creates = false, storesNothing = false, upload }: Traits = {},
): Endpoint {
  const { name, access, rules } = action;
  if (access.needs === 'inside') throw new Error(`No path may lead to ${name}, which is for other parts of the system`);
  const isPublic = access.needs === 'anyone';
  return {
    method,
    path,
    action: name,
    rules,
    access,
    read,
    answer,
    isPublic,
    takesBody,
    creates,
    storesNothing,
    upload,
  };
}
