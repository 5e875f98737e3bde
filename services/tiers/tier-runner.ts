/** Moves telemetry of all tenants through its tiers, a tenant's day at a time, on each node that has this service. */
import type { Logger } from 'pino';
import { type Database, DatabaseError } from '../../adapters/database/database.ts';
import { cleanArchives } from '../../adapters/database/telemetry/archive-cleaning.ts';
import type { ArchiveFiles } from '../../adapters/database/telemetry/archive-files.ts';
import type { OnStep } from '../../adapters/database/telemetry/archive-writing.ts';
import { dropPart, listParts } from '../../adapters/database/telemetry/removal-parts.ts';
import { removeOldRollups } from '../../adapters/database/telemetry/removal-rollups.ts';
import { todayOf } from '../../adapters/database/telemetry/today.ts';
import { BlobError } from '../../contracts/blobs.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { SweepResult } from '../../contracts/tiers.contract.ts';
import { keepingLease } from '../../mixins/kept-lease.ts';
import { TurnLoop } from '../../mixins/turn-loop.ts';
import { workOnDay } from './day-work.ts';
import { StorePause } from './store-pause.ts';
import { keepDay, planSweeps, type TakenDay, takeDay } from './sweeps.ts';

export type TierParts = {
  readonly database: Database;
  readonly files: ArchiveFiles;
  readonly limits: Limits;
  readonly log: Logger;
  readonly instanceId: string;
  /** For tests: the job ends where this rejects. */
  readonly onStep?: OnStep;
};

const NOTHING: SweepResult = { archived: 0, dropped: 0, rollupsRemoved: 0, archivesRemoved: 0, partsDropped: 0 };

export class TierRunner extends TurnLoop {
  readonly #parts: TierParts;
  readonly #pause = new StorePause();
  #isStopped = false;
  #planAtMs = 0;

  constructor(parts: TierParts) {
    super({
      turn: () => this.#turn(),
      pollMs: parts.limits.tierPollMs,
      onError: err => parts.log.warn({ err }, 'could not move telemetry to its next tier; it is tried again'),
    });
    this.#parts = parts;
  }

  override stop(): Promise<void> {
    this.#isStopped = true;
    return super.stop();
  }

  /** All that is due now. Rejects with the first thing that fails. */
  async sweep(): Promise<SweepResult> {
    const result = { ...NOTHING };
    for (const stage of this.#stages(result)) await stage();
    while (await this.#workOnNext(result));
    await this.#dropParts(result);
    await this.#clean();
    return result;
  }

  async #turn(): Promise<boolean> {
    const { limits, log } = this.#parts;
    const result = { ...NOTHING };
    if (performance.now() >= this.#planAtMs) {
      // First: what fails is not tried with each turn.
      this.#planAtMs = performance.now() + (limits.tierSweepMinutes * 60_000) / 2;
      for (const stage of [...this.#stages(result), () => this.#clean()]) await this.#tolerating(stage);
    }
    let hadOne = false;
    await this.#tolerating(async () => {
      hadOne = await this.#workOnNext(result);
    });
    if (Object.values(result).some(it => it > 0)) log.info(result, 'moved telemetry to its next tier');
    return hadOne;
  }

  /** One thing that can't be done now is no reason to leave the others: they make room. */
  async #tolerating(work: () => Promise<void>): Promise<void> {
    const { log } = this.#parts;
    try {
      await work();
    } catch (err) {
      if (this.#isStopped) return;
      if (!(err instanceof BlobError)) {
        log.warn({ err }, 'could not move telemetry to its next tier; it is tried again');
        return;
      }
      const seconds = this.#pause.begin() / 1_000;
      log.warn({ err, seconds }, 'the store of the archive cannot be reached; until it is tried again rows stay rows');
    }
  }

  /** What can go as a whole goes first: then nothing has to be done with its rows. */
  #stages(result: SweepResult): (() => Promise<void>)[] {
    const { database, limits } = this.#parts;
    return [
      () => this.#dropParts(result),
      async () => {
        result.rollupsRemoved += await removeOldRollups(database, limits, await todayOf(database));
      },
      async () => planSweeps(database, limits, await todayOf(database)),
    ];
  }

  async #workOnNext(result: SweepResult): Promise<boolean> {
    const { database, instanceId, limits, log } = this.#parts;
    const taken = await takeDay(database, instanceId, limits.tierLeaseSeconds);
    if (taken === undefined || this.#isStopped) return false;
    const later = () => keepDay(database, instanceId, taken, limits.tierSweepMinutes * 60);
    const onPostponed = (why: Error) =>
      log.info({ day: taken.day, why: why.message }, 'telemetry stays where it is for now');
    const archivedBefore = result.archived;
    try {
      const today = await todayOf(database);
      const mayArchive = this.#pause.isOver;
      await this.#keeping(taken, goOn =>
        workOnDay({ ...this.#parts, mayArchive, goOn, onPostponed }, { ...taken, today }, result),
      );
    } catch (error) {
      // What is wrong with this day, or with the store, is as wrong in two minutes.
      if (!(error instanceof DatabaseError) && !this.#isStopped) await later().catch(() => {});
      throw error;
    }
    if (result.archived > archivedBefore) this.#pause.end();
    await later();
    return true;
  }

  /** Prolongs the lease as long as the work goes on. */
  async #keeping(taken: TakenDay, work: (goOn: () => Promise<void>) => Promise<void>): Promise<void> {
    const { database, instanceId, limits, log } = this.#parts;
    const { tierLeaseSeconds: leaseSeconds } = limits;
    const renew = () => keepDay(database, instanceId, taken, leaseSeconds);
    const goOn = async () => {
      if (this.#isStopped) throw new Error('The process is stopping');
      if (!(await renew())) throw new Error('Another node has the day by now');
    };
    const onError = (err: unknown) => log.warn({ err }, 'could not prolong the lease of a day of telemetry');
    await keepingLease({ leaseSeconds, renew, onError }, () => work(goOn));
  }

  async #dropParts(result: SweepResult): Promise<void> {
    const { database, limits } = this.#parts;
    const today = await todayOf(database);
    for (const table of ['telemetry', 'telemetry_1m'] as const)
      for (const part of await listParts(database, table)) {
        // Today's, and what is made ahead, is empty for a while; so may be one that late data comes into just now.
        if (this.#isStopped || part.to_day > today - limits.storagePolicyMinDays) break;
        if (await dropPart(database, table, part, limits, today)) result.partsDropped++;
      }
  }

  async #clean(): Promise<void> {
    if (this.#pause.isOver) await cleanArchives(this.#parts, this.#parts.limits.archiveAbandonedMinutes);
  }
}
