/** Commands as a transaction of a lane writes them. */
import { BAD_ENDS, type CommandRecord, type CommandState } from '../../contracts/commands.ts';
import type { Effects } from '../../contracts/store.ts';
import { INSERT_COMMAND_SQL, UPDATE_COMMAND_SQL } from './commands.sql.ts';
import type { Step } from './database.ts';
import { NO_STEPS, type StepsOfEffects } from './steps-of-effects.ts';

type Change = { readonly of: Effects; readonly isNew: boolean; readonly record: CommandRecord };

/** Each record is whole, so the last one of a command is where it ends; one that is new in this transaction is inserted like that. */
export function commandSteps(effects: readonly Effects[]): StepsOfEffects {
  const last = new Map<string, Change>();
  /** New ones with an id that this transaction has already: the database is to say what it says of any other that exists. */
  const repeated: Change[] = [];
  for (const of of effects)
    for (const { isNew, record } of of.commands) {
      const before = last.get(record.id);
      const change = { of, isNew: isNew || before?.isNew === true, record };
      if (isNew && before !== undefined) repeated.push(change);
      last.set(record.id, change);
    }
  if (last.size === 0) return NO_STEPS;
  const changes = [...last.values()];
  const added = [...changes.filter(one => one.isNew), ...repeated].sort(byIdempotencyKey);
  const changed = changes.filter(one => !one.isNew);
  const steps: Step[] = [];
  if (added.length > 0) steps.push({ kind: 'query', sql: INSERT_COMMAND_SQL, params: insertParams(added) });
  if (changed.length > 0) steps.push({ kind: 'query', sql: UPDATE_COMMAND_SQL, params: progressParams(changed) });
  return { steps };
}

/** Transactions that insert some of the same keys wait for each other in one order, so none waits for one that waits for it. */
function byIdempotencyKey(one: Change, other: Change): number {
  const [a, b] = [one.record.idempotencyKey ?? '', other.record.idempotencyKey ?? ''];
  return one.of.tenantId - other.of.tenantId || (a < b ? -1 : Number(a > b));
}

const endedBadly = (state: CommandState): boolean => (BAD_ENDS as readonly CommandState[]).includes(state);
/** JSON text; nothing for nothing, while null is something. */
const jsonOf = (value: unknown): string | undefined => JSON.stringify(value);

function progressParams(changes: readonly Change[]): unknown[][] {
  const column = <T>(read: (record: CommandRecord) => T): T[] => changes.map(one => read(one.record));
  return [
    column(it => it.id),
    column(it => it.state),
    column(it => it.attempt),
    column(it => jsonOf(it.transitions)),
    column(it => jsonOf(it.result)),
    column(it => jsonOf(it.error)),
    column(it => it.endedAtMs),
    column(it => endedBadly(it.state)),
  ];
}

function insertParams(changes: readonly Change[]): unknown[][] {
  const column = <T>(read: (record: CommandRecord) => T): T[] => changes.map(one => read(one.record));
  return [
    ...progressParams(changes),
    changes.map(one => one.of.tenantId),
    changes.map(one => one.of.deviceUid),
    column(it => it.shard),
    column(it => it.name),
    column(it => it.parametersJson),
    column(it => it.mode),
    column(it => it.priority),
    column(it => it.supersedes),
    column(it => it.idempotencyKey),
    column(it => it.requestHash),
    column(it => it.jobId),
    column(it => it.resendOf),
    column(it => it.requestedBy),
    column(it => it.createdAtMs),
    column(it => it.deadlineMs),
  ];
}
