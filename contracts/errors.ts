/**
 * Every error that crosses a boundary of Skein, in one table. `type` is the stable name that callers compare; it survives
 * a hop between nodes, which an error's class does not. `retry` says whether the same request can succeed later.
 */
import { Errors } from 'moleculer';

type Row = { readonly status: number; readonly retry: boolean; readonly title: string; readonly todo: string };

export const ERRORS = {
  // What the caller sent.
  invalid_request: {
    status: 400,
    retry: false,
    title: 'The request is not valid',
    todo: 'Correct what the detail names.',
  },
  invalid_json: { status: 400, retry: false, title: 'The body is not JSON', todo: 'Send JSON, encoded as UTF-8.' },
  unauthorized: { status: 401, retry: false, title: 'No valid key', todo: 'Send Authorization: Bearer <API key>.' },
  second_factor_needed: {
    status: 401,
    retry: false,
    title: 'A second factor is needed',
    todo: 'Send totp, the code of the authenticator app, or recoveryCode as well.',
  },
  forbidden: { status: 403, retry: false, title: 'Not allowed', todo: 'Use a key whose role allows this.' },
  not_found: { status: 404, retry: false, title: 'Not found', todo: 'Check the path and the id.' },
  method_not_allowed: { status: 405, retry: false, title: 'Method not allowed', todo: 'See the Allow header.' },
  conflict: { status: 409, retry: false, title: 'Already exists', todo: 'Use another id, or change what exists.' },
  idempotency_key_reused: {
    status: 409,
    retry: false,
    title: 'Idempotency key used for another request',
    todo: 'Use a new Idempotency-Key.',
  },
  quota_exceeded: {
    status: 409,
    retry: false,
    title: 'The quota of the organization is used up',
    todo: 'Remove what is no longer needed, or have the quota raised; the detail says which one.',
  },
  lifecycle_conflict: {
    status: 409,
    retry: false,
    title: 'The device is not in a state that allows this',
    todo: 'See the lifecycle of the device.',
  },
  legal_hold: {
    status: 409,
    retry: false,
    title: 'A legal hold forbids this',
    todo: 'Release the hold first; the detail names it.',
  },
  already_provisioned: {
    status: 409,
    retry: false,
    title: 'The device has its credentials already',
    todo: 'When they were lost, an operator lets it be provisioned again: DELETE /provisioning/batches/{id}/devices/{deviceId}.',
  },
  provisioning_closed: {
    status: 403,
    retry: false,
    title: 'The batch takes no more devices',
    todo: 'An operator opens it, or raises its maxDevices or its expiresAt.',
  },
  command_unknown: {
    status: 422,
    retry: false,
    title: 'The type of the device has no such command',
    todo: 'Use a command of the device type.',
  },
  command_parameters_invalid: {
    status: 422,
    retry: false,
    title: 'The parameters do not fit the command',
    todo: 'See the schema of the command in the device type; the detail says what does not fit.',
  },
  too_many_credentials: {
    status: 409,
    retry: false,
    title: 'The device or batch has too many keys, tokens or certificates',
    todo: 'Revoke some, or wait until some have ended.',
  },
  properties_invalid: {
    status: 422,
    retry: false,
    title: 'The properties do not fit the capability',
    todo: 'See the properties of the device type; the detail says what does not fit.',
  },
  too_many_commands: {
    status: 409,
    retry: false,
    title: 'The device has too many open commands',
    todo: 'Wait until some have ended, or cancel some.',
  },
  command_open: {
    status: 409,
    retry: false,
    title: 'The command has not ended',
    todo: 'Wait until it has ended, or cancel it first.',
  },
  command_ended: {
    status: 409,
    retry: false,
    title: 'The command has ended',
    todo: 'Send it again as a new one if it must be carried out.',
  },
  export_not_ready: {
    status: 409,
    retry: false,
    title: 'The export has no file',
    todo: 'Wait until its state is completed. One that failed or was cancelled has to be asked for again.',
  },
  events_gone: {
    status: 410,
    retry: false,
    title: 'Events after the cursor are no longer kept',
    todo: 'Some were missed. Look at the devices themselves, then read on without a cursor.',
  },
  stale_version: {
    status: 412,
    retry: false,
    title: 'Changed by someone else meanwhile',
    todo: 'Read it again, then send the new ETag in If-Match.',
  },
  too_large: { status: 413, retry: false, title: 'Too large', todo: 'Send less at once; the detail says the limit.' },
  too_many_buckets: {
    status: 422,
    retry: false,
    title: 'The answer would have too many buckets',
    todo: 'Use a longer interval, or a shorter range; smallestInterval says which interval fits.',
  },
  too_many_readings: {
    status: 422,
    retry: false,
    title: 'The answer would have to be computed of too many readings',
    todo: 'Ask for a shorter range or fewer devices, or for what rollups know: no percentiles, no quality, whole minutes.',
  },
  unsupported_media_type: {
    status: 415,
    retry: false,
    title: 'Unsupported content type',
    todo: 'Send application/json.',
  },
  range_not_satisfiable: {
    status: 416,
    retry: false,
    title: 'The file does not reach so far',
    todo: 'See Content-Range for the length of the file; what begins at its end is complete.',
  },
  headers_too_large: { status: 431, retry: false, title: 'Headers too large', todo: 'Send smaller headers.' },
  // What the system can't do just now.
  rate_limited: { status: 429, retry: true, title: 'Too many requests', todo: 'Wait as long as Retry-After says.' },
  internal: { status: 500, retry: false, title: 'Internal error', todo: 'Tell the operator the requestId.' },
  overloaded: { status: 503, retry: true, title: 'Overloaded', todo: 'Send again, later and slower.' },
  unavailable: { status: 503, retry: true, title: 'A part of the system is not available', todo: 'Send again later.' },
  expired: { status: 504, retry: true, title: 'The deadline passed first', todo: 'Send again, with more time.' },
  unknown_outcome: {
    status: 504,
    retry: true,
    title: 'It is not known whether this was done',
    todo: 'Send readings and replacements again; what makes something only with the same Idempotency-Key. Without a key, look first.',
  },
  storage_full: {
    status: 507,
    retry: true,
    title: 'No room to store this',
    todo: 'Send again later; the operator makes room on the disk. What is stored can still be read.',
  },
  // Between nodes.
  not_owner: { status: 503, retry: true, title: 'Another node owns this device', todo: 'Ask the owner.' },
  moved: { status: 503, retry: true, title: 'The device is moving to another node', todo: 'Ask the new owner.' },
  fenced: {
    status: 503,
    retry: false,
    title: 'This process no longer owns its devices',
    todo: 'The process exits; connect again.',
  },
} as const satisfies Record<string, Row>;

export type ErrorType = keyof typeof ERRORS;

/** An error of the table. `data` may carry more for machines; never a stack, SQL text or a library's message. */
export class SkeinError extends Errors.MoleculerError {
  override type: ErrorType;
  constructor(type: ErrorType, detail: string, data?: Record<string, unknown>) {
    super(detail, ERRORS[type].status, type, data);
    this.type = type;
    this.name = 'SkeinError';
    this.retryable = ERRORS[type].retry;
  }
}

export const isErrorType = (type: unknown): type is ErrorType =>
  typeof type === 'string' && Object.hasOwn(ERRORS, type);

/** The row of an error, by what survives a hop: its `type`. Unknown errors are `internal`. */
export const errorTypeOf = (error: unknown): ErrorType => {
  const type = (error as { type?: unknown } | null)?.type;
  return isErrorType(type) ? type : 'internal';
};
