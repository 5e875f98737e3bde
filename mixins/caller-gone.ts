/** Requests that wait must not outlive who made them. */
import { ServerResponse } from 'node:http';

/**
 * Calls back when the connection of who asked is closed. That can be known where REST and this service are in one process; otherwise
 * the wait goes on to its end, for nobody.
 */
export function whenCallerGoes(ctx: { readonly options: object }, gone: () => void): void {
  const { parentCtx } = ctx.options as { parentCtx?: { params?: { res?: unknown } } };
  const response = parentCtx?.params?.res;
  if (!(response instanceof ServerResponse)) return;
  if (response.closed) gone();
  else response.once('close', gone);
}
