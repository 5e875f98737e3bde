import type { CommandState } from './commands.ts';
import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { JsonObject } from './json.ts';

export const JOB_STATES = ['running', 'completed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

export const ITEM_STATES = ['pending', 'done', 'refused'] as const;
export type ItemState = (typeof ITEM_STATES)[number];

/** Which devices a job is for. Exactly one of these. */
export type JobTarget =
  | { readonly group: string }
  | { readonly type: string }
  | { readonly tag: string }
  | { readonly deviceIds: readonly string[] };

export type JobKind = 'command' | 'desired';

/** What a list shows of a job. */
export type JobSummary = {
  id: string;
  kind: JobKind;
  /**
   * `completed`: each device has taken or refused it; its commands may still be open. `cancelled`: what is pending stays undone, and its
   * waiting commands are cancelled; `endedAt` says when that was done.
   */
  state: JobState;
  /** Of devices that were named one by one only how many there were: its items name them. */
  target: { group: string } | { type: string } | { tag: string } | { deviceIds: number };
  total: number;
  pending: number;
  done: number;
  refused: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  endedAt: string | null;
};
export type JobView = JobSummary & {
  request: { command: JsonObject } | { desired: JsonObject };
  /** How many commands it made, by their state now. Null when it makes none. */
  commands: { [S in CommandState]?: number } | null;
};

export type JobItemView = {
  deviceId: string;
  state: ItemState;
  /** The command that it made, or will. */
  commandId: string | null;
  /** Of a refused one: a stable word, and a sentence for people. */
  reason: string | null;
  detail: string | null;
};

const object = { type: 'object', optional: true } as const;
const page = { limit: 'number|optional|integer', cursor: 'string|optional' } as const;

/** The same for many devices. */
export const jobs = contract('jobs', {
  /** Either `command` (`{command, parameters, ...}`) or `desired` (`{patch}`). Resolves when the job is stored, with an item for each device. */
  create: action(
    {
      target: typed<JsonObject>({ type: 'object' }),
      command: typed<JsonObject | undefined>(object),
      desired: typed<JsonObject | undefined>(object),
    },
    { needs: ['commands:send', 'twins:write'], of: 'devices' },
  ).returns<JobView>(),
  get: action({ id: 'string' }, { needs: 'jobs:read' }).returns<JobView>(),
  /** Newest first. */
  list: action({ ...page, state: 'string|optional' }, { needs: 'jobs:read' }).returns<Page<JobSummary>>(),
  /** By device, in the order in which they were registered. */
  items: action({ id: 'string', ...page, state: 'string|optional' }, { needs: 'jobs:read' }).returns<
    Page<JobItemView>
  >(),
  /** Again, or when there is nothing left to cancel: the job as it is. */
  cancel: action({ id: 'string' }, { needs: ['commands:send', 'twins:write'] }).returns<JobView>(),
});
