/** Commands to devices: asking for them, seeing what became of them, ending them, sending them again. */
import type { Context, ServiceSchema } from 'moleculer';
import { commands } from '../contracts/commands.contract.ts';
import { BAD_ENDS, isOpen } from '../contracts/commands.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { Ingress } from '../contracts/uplinks.ts';
import { whenCallerGoes } from '../mixins/caller-gone.ts';
import { callerOf, limitOf, memberOf } from '../mixins/callers.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { maySee } from '../mixins/device-limits.ts';
import type { Waiters } from '../mixins/waiters.ts';
import { cancel } from './commands/cancelling.ts';
import { CommandDesk, type Patience } from './commands/command-desk.ts';
import { commandLists } from './commands/command-lists.ts';
import { isCommandId, type StoredCommand } from './commands/command-reading.ts';
import { requestAgain, requestOf } from './commands/command-requests.ts';
import { commandView } from './commands/command-views.ts';
import type { Node } from './node.ts';

export function commandsService(
  node: Pick<Node, 'config' | 'database' | 'address'>,
  ingress: Ingress,
  waiters: Waiters,
): ServiceSchema {
  const { limits } = node.config;
  const desk = new CommandDesk(node, ingress, waiters);
  const lists = commandLists(node.database, limits);

  /** One that the caller may see: any other looks like one that is not there, so that nobody learns of it. */
  const find = async (ctx: Context<{ id: string }, Meta>): Promise<StoredCommand> => {
    const { id } = ctx.params;
    const command = isCommandId(id) ? await desk.find(id.toLowerCase()) : undefined;
    const isOwn = command?.tenantId === callerOf(ctx).tenantId;
    if (isOwn && (await maySee(node.database, ctx, command.deviceId))) return command;
    throw new SkeinError('not_found', `There is no command "${id.slice(0, 100)}"`);
  };

  const patienceOf = (ctx: Context, seconds: number | undefined): Patience | undefined => {
    if ((seconds ?? null) === null || seconds === 0) return undefined;
    if (!(seconds! > 0 && seconds! <= limits.commandWaitMaxSeconds))
      throw new SkeinError('invalid_request', `wait must be between 0 and ${limits.commandWaitMaxSeconds} seconds`);
    return { ms: seconds! * 1000, onCancel: gone => whenCallerGoes(ctx, gone) };
  };

  const service = implement(
    commands,
    {
      async send(ctx) {
        const caller = memberOf(ctx);
        const { waitSeconds, ...given } = ctx.params;
        const patience = patienceOf(ctx, waitSeconds);
        const request = requestOf(given, limits);
        return commandView(await desk.take(caller, request, ctx.meta.idempotency?.key, patience));
      },

      async get(ctx) {
        return commandView(await find(ctx));
      },

      listOfDevice(ctx) {
        const { tenantId } = callerOf(ctx);
        return lists.ofDevice(tenantId, ctx.params);
      },

      list(ctx) {
        return lists.page('commands', memberOf(ctx).tenantId, ctx.params, limitOf(ctx));
      },

      async listDeadLetters(ctx) {
        const { tenantId } = memberOf(ctx);
        const { state } = ctx.params;
        if ((state ?? null) !== null && !BAD_ENDS.some(it => it === state))
          throw new SkeinError('invalid_request', `state must be one of ${BAD_ENDS.join(', ')}`);
        return lists.page('dead commands', tenantId, ctx.params, limitOf(ctx), true);
      },

      async cancel(ctx) {
        const caller = memberOf(ctx);
        const command = await find(ctx);
        return commandView(await cancel(ingress, caller, command, ctx.params.reason, id => desk.find(id)));
      },

      async resend(ctx) {
        const caller = memberOf(ctx);
        const command = await find(ctx);
        if (isOpen(command.state))
          throw new SkeinError('command_open', 'It has not ended, so it may still be carried out');
        const request = requestAgain(command, ctx.params.ttlMs);
        return commandView(await desk.take(caller, request, ctx.meta.idempotency?.key));
      },
    },
    { ...databaseErrors, stopped: () => waiters.close() },
  );
  // Longer than other requests: who waits for the device has asked for it.
  const timeout = (limits.commandWaitMaxSeconds + limits.requestTimeoutSeconds) * 1000;
  Object.assign(service.actions!.send!, { timeout });
  return service;
}
