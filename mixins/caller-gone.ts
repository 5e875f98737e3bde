/** Requests that wait must not outlive who made them. */
import { ServerResponse } from 'node:http';

/** What REST calls with, so that `whenCallerGoes` can know. */
export const callingFor = (response: ServerResponse): object => ({ response });

/**
 * Calls back when the connection of who asked is closed. That can be known where REST and this service are in one process; otherwise
 * the wait goes on to its end, for nobody.
 */
export function whenCallerGoes(ctx: { readonly options: object }, gone: () => void): void {
  const { response } = ctx.options as { response?: unknown };
  if (!(response instanceof ServerResponse)) return;
  if (response.closed) gone();
  else response.once('close', gone);
}
