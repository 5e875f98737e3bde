/** Gives the jobs of all tenants their turns, one after the other, on each node that has this service. */
import type { Logger } from 'pino';
import { keepingLease } from '../../mixins/kept-lease.ts';
import { TurnLoop } from '../../mixins/turn-loop.ts';
import type { Doing } from './doing.ts';
import { endTurn, keepJob, type TakenJob, takeJob } from './turns.ts';
import { work } from './working.ts';

type Parts = Doing & { readonly instanceId: string; readonly log: Logger };

export class JobRunner extends TurnLoop {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    super({
      turn: () => this.#turn(),
      pollMs: parts.limits.jobPollMs,
      onError: err => parts.log.warn({ err }, 'a job could not have its turn'),
    });
    this.#parts = parts;
  }

  /** False: no job was due. */
  async #turn(): Promise<boolean> {
    const { database, instanceId, limits, log } = this.#parts;
    const job = await takeJob(database, instanceId, limits.jobLeaseSeconds);
    if (job === undefined) return false;
    const end = await this.#keeping(job, () => work(this.#parts, job));
    const isStored = await endTurn(database, instanceId, job, end);
    if (!isStored) log.warn({ job: job.job_id }, 'the turn of a job took longer than it could be kept');
    return true;
  }

  #keeping<T>(job: TakenJob, work: () => Promise<T>): Promise<T> {
    const { database, instanceId, limits, log } = this.#parts;
    const { jobLeaseSeconds: leaseSeconds } = limits;
    return keepingLease(
      {
        leaseSeconds,
        renew: () => keepJob(database, instanceId, job.job_id, leaseSeconds),
        onError: err => log.warn({ err, job: job.job_id }, 'could not prolong the lease of a job'),
      },
      work,
    );
  }
}
