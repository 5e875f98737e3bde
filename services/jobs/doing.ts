/** Does some items of a job: hands each to its device's actor, and says what came of it. */
import type { Database } from '../../adapters/database/database.ts';
import { ERRORS, type ErrorType, errorTypeOf, SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { ask } from '../../mixins/asking.ts';
import { type CommandWish, orderOf } from '../../mixins/command-orders.ts';
import { spoken } from '../../mixins/database-errors.ts';
import { refusalOf } from '../../mixins/refusals.ts';
import { checkParameters, type TypeCommands, type TypeVersion, UNDEFINED_COMMAND } from '../../mixins/type-commands.ts';
import type { ItemEnd, TakenJob } from './turns.ts';

export type Item = {
  readonly deviceUid: number;
  readonly deviceId: string;
  readonly commandId: string | null;
  /** Undefined: it has no type, or one that says nothing of commands. */
  readonly type: TypeVersion | undefined;
};
export type Doing = {
  readonly database: Database;
  readonly ingress: Ingress;
  readonly types: TypeCommands;
  readonly limits: Limits;
};
/** `undone`: those that have to be tried again, with why. */
export type Done = { readonly ends: readonly ItemEnd[]; readonly undone: readonly ErrorType[] };

/** What nobody has to do again, although the same may succeed later: the device has to get rid of something first, or time is over. */
const FINAL: ReadonlySet<ErrorType> = new Set(['too_many_commands', 'expired']);

export async function doItems(doing: Doing, job: TakenJob, items: readonly Item[]): Promise<Done> {
  const { request } = job;
  const one = (item: Item) =>
    'command' in request ? command(doing, job, request.command, item) : desire(doing, job, request.desired.patch, item);
  const errors = await Promise.all(
    items.map(item =>
      one(item).then(
        () => undefined,
        (error: unknown) => toldOf(error),
      ),
    ),
  );
  const made = await commandsMade(
    doing.database,
    job,
    items.filter((item, i) => errors[i] !== undefined && item.commandId !== null),
  );
  const ends: ItemEnd[] = [];
  const undone: ErrorType[] = [];
  for (const [i, { deviceUid, commandId }] of items.entries()) {
    const error = errors[i];
    if (error === undefined || (commandId !== null && made.has(commandId)))
      ends.push({ deviceUid, reason: null, detail: null });
    else if (isFinal(error.type, job)) ends.push({ deviceUid, reason: error.type, detail: error.message });
    else undone.push(error.type);
  }
  return { ends, undone };
}

/** For those who look at the job: never a text from the inside. */
function toldOf(error: unknown): SkeinError {
  const told = spoken(error);
  const type = errorTypeOf(told);
  return new SkeinError(type, type === 'internal' ? 'An unexpected error' : (told as Error).message.slice(0, 1_000));
}

/** A command's id that the database refused because it was there means that somebody else is at it. */
const isFinal = (type: ErrorType, { kind }: TakenJob): boolean =>
  FINAL.has(type) || !(ERRORS[type].retry || (kind === 'command' && type === 'conflict'));

/** Rejects with an error of the table. */
async function command(doing: Doing, job: TakenJob, wish: CommandWish, item: Item): Promise<void> {
  const { ingress, types, limits } = doing;
  const { tenant, job_id, requested_by, created_at } = job;
  const definition = item.type === undefined ? UNDEFINED_COMMAND : await types.definition(item.type, wish.command);
  if (definition === undefined)
    throw new SkeinError('command_unknown', `Devices of type "${item.type?.name}" have no command "${wish.command}"`);
  checkParameters(wish.command, wish.parameters, definition);
  const facts = {
    tenant,
    device: item.deviceId,
    id: item.commandId!,
    // Of the job, so that whoever does the item again asks for exactly the same.
    createdAtMs: created_at.getTime(),
    jobId: job_id,
    requestedBy: requested_by,
  };
  const order = orderOf(wish, definition, facts, limits);
  const answer = await ask(ingress, tenant, item.deviceId, { type: 'command', order, notify: null }, 'conflict');
  if (!('error' in answer)) return;
  // Nobody asked for a moment that has passed: the job took longer than its commands may.
  throw answer.error === 'deadline_passed' ? new SkeinError('expired', answer.detail) : refusalOf(answer);
}

/** Rejects with an error of the table. */
async function desire({ ingress }: Doing, { tenant }: TakenJob, patch: object, item: Item): Promise<void> {
  const request = { type: 'desired', patch: patch as Record<string, unknown> } as const;
  const answer = await ask(ingress, tenant, item.deviceId, request);
  if ('error' in answer) throw refusalOf(answer);
}

/** Those whose command is there already: the item was done, only nobody remembers it. */
async function commandsMade(database: Database, job: TakenJob, items: readonly Item[]): Promise<Set<string>> {
  if (items.length === 0) return new Set();
  const rows = await database.query<{ command_id: string }>(
    'SELECT command_id FROM command WHERE tenant_id = $1 AND command_id = ANY($2::uuid[])',
    [job.tenant_id, items.map(it => it.commandId)],
  );
  return new Set(rows.map(it => it.command_id));
}
