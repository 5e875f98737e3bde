/** The same for many devices: a command to a group, a change of what is desired of all devices of a type. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import { uuidv7 } from 'uuidv7';
import type { Transaction } from '../adapters/database/database.ts';
import { isUuid } from '../contracts/addresses.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { ITEM_STATES, JOB_STATES, jobs } from '../contracts/jobs.contract.ts';
import type { Ingress } from '../contracts/uplinks.ts';
import { memberOf, nameOf } from '../mixins/callers.ts';
import { NUMBER_POSITION, pageOf, pageSize, positionOf, UUID_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { limitUnder } from '../mixins/device-limits.ts';
import { once } from '../mixins/idempotency.ts';
import { TypeCommands } from '../mixins/type-commands.ts';
import {
  cancelJob,
  type ItemRow,
  itemView,
  type JobRow,
  jobSummary,
  jobView,
  listItems,
  listJobs,
  readJob,
} from './jobs/job-rows.ts';
import { insertJob, requestOf } from './jobs/new-jobs.ts';
import { JobRunner } from './jobs/runner.ts';
import { targetOf } from './jobs/targets.ts';
import type { Node } from './node.ts';

type Parts = Pick<Node, 'config' | 'database' | 'log' | 'sealer' | 'instanceId'>;

type Called = { readonly meta: Meta; readonly params: { readonly id: string } };

export function jobsService({ config, database, log, sealer, instanceId }: Parts, ingress: Ingress): ServiceSchema {
  const { limits } = config;
  const { idempotencyKeepHours } = limits;
  const types = TypeCommands.of(database, limits);
  const runner = new JobRunner({ database, ingress, types, limits, instanceId, log });

  /** Of the caller's tenant. Rejects with `not_found`. */
  const find = async (ctx: Called) => {
    const { tenantId } = memberOf(ctx);
    const { id } = ctx.params;
    const row = isUuid(id) ? await readJob(database, tenantId, id) : undefined;
    if (row === undefined) throw new SkeinError('not_found', `There is no job "${id.slice(0, 100)}"`);
    return row;
  };

  return implement(
    jobs,
    {
      async create(ctx) {
        const caller = memberOf(ctx);
        const { tenantId } = caller;
        const { target, command, desired } = ctx.params;
        const job = {
          id: uuidv7(),
          tenantId,
          target: targetOf(target, limits),
          request: requestOf({ ...(command && { command }), ...(desired && { desired }) }, limits),
          requestedBy: nameOf(caller),
          within: limitUnder(ctx, desired ? 'twins:write' : 'commands:send'),
          createdAtMs: Date.now(),
        };
        const make = async (tx: Transaction) => jobView(tx, tenantId, await insertJob(tx, job, limits.jobMaxDevices));
        const request = ['jobs.create', ctx.params];
        const view =
          ctx.meta.idempotency === undefined
            ? await database.transaction(make)
            : await once({ database, sealer, idempotencyKeepHours }, ctx, request, make);
        runner.wake();
        return view;
      },

      async get(ctx) {
        const row = await find(ctx);
        return jobView(database, memberOf(ctx).tenantId, row);
      },

      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor, state } = ctx.params;
        checkState(JOB_STATES, state);
        const list = ['jobs', tenantId, state];
        const size = pageSize(limit, limits);
        const [before] = positionOf<[string]>(list, cursor, UUID_POSITION) ?? [];
        const rows = await listJobs(database, tenantId, state, before, size + 1);
        return pageOf<JobRow, ReturnType<typeof jobSummary>>(list, rows, size, jobSummary, row => [row.job_id]);
      },

      async items(ctx) {
        const { limit, cursor, state } = ctx.params;
        checkState(ITEM_STATES, state);
        const { job_id } = await find(ctx);
        const list = ['jobs.items', job_id, state];
        const size = pageSize(limit, limits);
        const [after = 0] = positionOf<[number]>(list, cursor, NUMBER_POSITION) ?? [];
        const rows = await listItems(database, job_id, state, after, size + 1);
        return pageOf<ItemRow, ReturnType<typeof itemView>>(list, rows, size, itemView, row => [row.device_uid]);
      },

      async cancel(ctx) {
        const { tenantId } = memberOf(ctx);
        const { job_id, kind } = await find(ctx);
        // The other permission may be for all devices; this one is what the job is about.
        if (limitUnder(ctx, kind === 'desired' ? 'twins:write' : 'commands:send') !== null)
          throw new SkeinError('forbidden', 'A job is cancelled as a whole, and the role is limited to some devices');
        await cancelJob(database, tenantId, job_id);
        runner.wake();
        return jobView(database, tenantId, await find(ctx));
      },
    },
    {
      ...databaseErrors,
      started: () => runner.start(),
      stopped: () => runner.stop(),
    },
  );
}

function checkState(states: readonly string[], state: string | undefined): void {
  if (state !== undefined && !states.includes(state))
    throw new SkeinError('invalid_request', `state must be one of ${states.join(', ')}`);
}
