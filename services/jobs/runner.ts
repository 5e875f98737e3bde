/** Gives the jobs of all tenants their turns, one after the other, on each node that has this service. */
import type { Logger } from 'pino';
import { TurnLoop } from '../../mixins/turn-loop.ts';
import type { Doing } from './doing.ts';
import { endTurn, keepJob, type TakenJob, takeJob } from './turns.ts';
import { work } from './working.ts';

type Parts = Doing & { readonly instanceId: string; readonly log: Logger };

export class JobRunner {
  readonly #parts: Parts;
  readonly #loop: TurnLoop;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#loop = new TurnLoop({
      turn: () => this.#turn(),
      pollMs: parts.limits.jobPollMs,
      onError: err => parts.log.warn({ err }, 'a job could not have its turn'),
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** There is something new to do. */
  wake(): void {
    this.#loop.wake();
  }

  /** Resolves when the turn under way has ended, and what came of it is stored. */
  stop(): Promise<void> {
    return this.#loop.stop();
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

  /** Prolongs the lease as long as the work goes on. */
  async #keeping<T>(job: TakenJob, work: () => Promise<T>): Promise<T> {
    const { database, instanceId, limits, log } = this.#parts;
    const { jobLeaseSeconds } = limits;
    let renewal: Promise<void> = Promise.resolve();
    const renew = () => {
      renewal = keepJob(database, instanceId, job.job_id, jobLeaseSeconds).catch((err: unknown) =>
        log.warn({ err, job: job.job_id }, 'could not prolong the lease of a job'),
      );
    };
    const timer = setInterval(renew, (jobLeaseSeconds * 1000) / 3);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      await renewal;
    }
  }
}
