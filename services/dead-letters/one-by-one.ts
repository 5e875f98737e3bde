/** Tries single dead letters again, while their callers wait for what comes of it. */
import type { Database } from '../../adapters/database/database.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { type DeadLetterRow, findDeadLetter } from './dead-letter-rows.ts';
import { claimOne, noteTried, triedOf, tryAgain, UNREAD, unclaim } from './trying.ts';

type Replayed = { id: string; state: string; reason: string | null };

export class OneByOne {
  readonly #database: Database;
  readonly #ingress: Ingress;
  readonly #claimSeconds: number;
  /** Who asks twice at once is told twice what came of one attempt. */
  readonly #underWay = new Map<string, Promise<Replayed>>();

  constructor(database: Database, ingress: Ingress, claimSeconds: number) {
    this.#database = database;
    this.#ingress = ingress;
    this.#claimSeconds = claimSeconds;
  }

  replay(tenant: string, tenantId: number, { dead_letter_id: id, reason }: DeadLetterRow): Promise<Replayed> {
    if (reason === UNREAD)
      throw new SkeinError('invalid_request', 'It was too large to be kept, so there is nothing to try again');
    const replaying =
      this.#underWay.get(id) ?? this.#again(tenant, tenantId, id).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, replaying);
    return replaying;
  }

  async #again(tenant: string, tenantId: number, id: string): Promise<Replayed> {
    const database = this.#database;
    const row = await claimOne(database, tenantId, id, this.#claimSeconds);
    if (row === undefined) return this.#notClaimed(tenantId, id);
    const outcome = await tryAgain(this.#ingress, tenant, row);
    const tried = triedOf(row, outcome);
    if (tried !== undefined) {
      await noteTried(database, tenantId, null, [tried]);
      return { id, state: tried.state, reason: tried.reason };
    }
    if (outcome.state !== 'overloaded')
      throw new SkeinError('unknown_outcome', 'It is not known whether it was stored; look at it again in a minute');
    await unclaim(database, tenantId, id);
    throw new SkeinError('overloaded', 'It was not tried; try it again later');
  }

  async #notClaimed(tenantId: number, id: string): Promise<Replayed> {
    const now = await findDeadLetter(this.#database, tenantId, id);
    if (now === undefined) throw new SkeinError('not_found', `There is no dead letter "${id}"`);
    if (now.replayed_at !== null) return { id, state: 'duplicate', reason: null };
    throw new SkeinError('conflict', 'It is being tried just now; look at it again in a minute');
  }
}
