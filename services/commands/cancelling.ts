/** Ends an open command by way of the device's actor: `cancelled` before any attempt, `unknown` after one. */

import type { MemberPrincipal } from '../../contracts/access.contract.ts';
import { isOpen } from '../../contracts/commands.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { ask } from '../../mixins/asking.ts';
import { checkText } from '../../mixins/bounded-json.ts';
import { refusalOf } from '../../mixins/refusals.ts';
import type { StoredCommand } from './command-reading.ts';
import { withProgress } from './orders.ts';

const REASON_MAX_LENGTH = 200;

/** The command as it has ended. One that was cancelled before is as it is; any other end rejects with `command_ended`. */
export async function cancel(
  ingress: Ingress,
  { tenant }: MemberPrincipal,
  command: StoredCommand,
  reason: string | undefined,
  find: (id: string) => Promise<StoredCommand | undefined>,
): Promise<StoredCommand> {
  const told = reason ?? 'cancelled';
  checkText('reason', told);
  if (told.length > REASON_MAX_LENGTH)
    throw new SkeinError('invalid_request', `reason has more than ${REASON_MAX_LENGTH} characters`);
  if (!isOpen(command.state)) return cancelledBefore(command);
  const { id, deviceId } = command;
  const answer = await ask(ingress, tenant, deviceId, { type: 'cancel', id, reason: told });
  if (!('error' in answer)) return withProgress(command, answer.progress);
  if (answer.error !== 'not_open') throw refusalOf(answer);
  const since = (await find(id)) ?? command;
  if (!isOpen(since.state)) return cancelledBefore(since);
  throw new SkeinError('unavailable', 'It was changing just now');
}

function cancelledBefore(command: StoredCommand): StoredCommand {
  if (command.state === 'cancelled') return command;
  throw new SkeinError('command_ended', `It has ended: ${command.state}`);
}
