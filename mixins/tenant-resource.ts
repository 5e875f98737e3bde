/**
 * What belongs to a tenant and is made, read, listed, changed and removed: on moleculer-db, with an adapter that takes no call without a
 * tenant, which comes from the caller. Of moleculer-db none of the actions is taken, only what they are made of: theirs would let callers
 * write queries, count whole tables for each page, and set any field; and without them no action of ours gets their rules or their cache.
 */
import type { Service, ServiceSchema } from 'moleculer';
import DbService from 'moleculer-db';
import type { Database, Transaction } from '../adapters/database/database.ts';
import type { Entity, Key, Query, TenantAdapter } from '../adapters/moleculer-db/tenant-adapter.ts';
import type { Meta } from '../contracts/contract.ts';
import type { Page } from '../contracts/devices.contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { isStorableText } from '../contracts/json.ts';
import type { Limits } from '../contracts/limits.ts';
import { audited } from './audit.ts';
import { memberOf } from './callers.ts';
import { pageOf, pageSize, positionOf, TEXT_POSITION } from './cursors.ts';
import { databaseErrors, isDatabaseError } from './database-errors.ts';
import { readPieces } from './pieces.ts';

type Called = { readonly meta: Meta };
type Versioned = { readonly version: number };
/** What must be true of what is there: its version, or whether there is any. */
export type Condition = { readonly version?: number | undefined; readonly exists?: boolean | undefined };
export type Filters = Readonly<Record<string, string | undefined>>;
type Paging = { readonly limit?: number | undefined; readonly cursor?: string | undefined };
type Fields = Readonly<Record<string, unknown>>;

export type ResourceOptions = {
  /** One of them, as the audit log names it: `device-type`. */
  readonly noun: string;
  readonly adapter: TenantAdapter;
  readonly database: Database;
  readonly limits: Limits;
  /** As JSON text: a page is read in pieces that such rows fit into. */
  readonly rowMaxBytes: number;
  /** Names that one can have: others are not looked for. */
  readonly isKey: (key: string) => boolean;
  /** Why one that is there could not be removed. */
  readonly inUse?: (tenantId: number, key: string) => Promise<string>;
};

/** The parts of moleculer-db that are used. */
type Stored<V> = Service & {
  _find(ctx: Called, query: Query): Promise<V[]>;
  _get(ctx: Called, params: { readonly id: Key }): Promise<V>;
  _create(ctx: Called, entity: Entity): Promise<V | undefined>;
  _update(ctx: Called, params: Fields & { readonly id: Key }): Promise<V>;
  _remove(ctx: Called, params: { readonly id: Key }): Promise<V>;
};

export class TenantResource<V extends Versioned> {
  readonly #options: ResourceOptions;

  constructor(options: ResourceOptions) {
    this.#options = options;
  }

  /** What the service is made of besides its actions. */
  get schema(): Partial<ServiceSchema> {
    const { actions: _theirs, ...parts } = DbService as unknown as ServiceSchema;
    const { adapter } = this.#options;
    return {
      ...databaseErrors,
      mixins: [{ ...parts, name: '', adapter } as Partial<ServiceSchema>],
      settings: { idField: adapter.table.key } as ServiceSchema['settings'],
      // Nothing is cached, so there is nothing to clear on every node.
      methods: { clearCache: () => Promise.resolve() },
    };
  }

  /** Those of the caller's tenant. */
  of(service: Service, ctx: Called): TenantRows<V> {
    return new TenantRows<V>(this.#options, service as Stored<V>, ctx);
  }
}

export class TenantRows<V extends Versioned> {
  readonly #options: ResourceOptions;
  readonly #service: Stored<V>;
  readonly #ctx: Called;
  readonly tenantId: number;

  constructor(options: ResourceOptions, service: Stored<V>, ctx: Called) {
    this.#options = options;
    this.#service = service;
    this.#ctx = ctx;
    this.tenantId = memberOf(ctx).tenantId;
  }

  /** Rejects with `not_found`. One that does not meet the filters looks like one that is not there. */
  async get(key: string, filters?: Filters): Promise<V> {
    const { database, isKey } = this.#options;
    const found = isKey(key)
      ? await foundOne(this.#service._get(this.#ctx, { id: this.#key(database, key, undefined, filters) }))
      : undefined;
    if (found === undefined) throw this.#unknown(key);
    return found;
  }

  /** By key. */
  async list({ limit, cursor }: Paging, filters: Filters = {}): Promise<Page<V>> {
    const { database, limits, adapter, rowMaxBytes } = this.#options;
    for (const [name, value] of Object.entries(filters))
      if (value !== undefined && !isStorableText(value)) throw new SkeinError('invalid_request', `${name} is no text`);
    const list = [adapter.table.name, this.tenantId, filters];
    const size = pageSize(limit, limits);
    const [first] = positionOf<[string]>(list, cursor, TEXT_POSITION) ?? [];
    const keyOf = (row: V): string => (row as unknown as Record<string, string>)[adapter.table.key]!;
    const found = await readPieces<V>(database, limits, size, {
      rowMaxBytes,
      bytesOf: row => JSON.stringify(row).length,
      read: async (last, most) => {
        const after = last === undefined ? first : keyOf(last);
        const query = { scope: this.#scope(database), filters, limit: most, ...(after !== undefined && { after }) };
        return { rows: await this.#service._find(this.#ctx, query) };
      },
    });
    return pageOf(
      list,
      found.rows,
      found.size,
      it => it,
      row => [keyOf(row)],
    );
  }

  /** Rejects with `conflict` when there is one. `db`: a transaction to be part of, if there is one. */
  create(db: Transaction, key: string, fields: Fields, check?: (tx: Transaction) => Promise<void>): Promise<V> {
    return within(db, async tx => {
      await check?.(tx);
      const made = await this.#service._create(this.#ctx, { scope: this.#scope(tx), key, fields });
      if (made === undefined) throw new SkeinError('conflict', `A ${this.#spoken} "${key}" exists already`);
      await this.#record(tx, 'created', key);
      return made;
    });
  }

  /** Sets what is given. Rejects with `not_found` or `stale_version`. */
  async update(
    key: string,
    fields: Fields,
    version: number | undefined,
    check?: (tx: Transaction) => Promise<void>,
  ): Promise<V> {
    const before = await this.get(key);
    if (version !== undefined && version !== before.version) throw this.#stale(before.version);
    if (Object.keys(fields).length === 0) return before;
    const changed = await this.#options.database.transaction(async tx => {
      await check?.(tx);
      return this.#change(tx, key, fields, version);
    });
    if (changed === undefined) throw this.#stale((await this.get(key)).version);
    return changed;
  }

  /** Makes it, or replaces all that it says: `fields` has all. Rejects with `stale_version`, or `not_found`, unless the condition is met. */
  async put(key: string, fields: Fields, { version, exists }: Condition): Promise<{ view: V; isNew: boolean }> {
    const put = await this.#options.database.transaction(async tx => {
      if (version !== undefined || exists === true) return this.#change(tx, key, fields, version);
      const entity = { scope: this.#scope(tx), key, fields, replaces: exists === undefined };
      const made = await this.#service._create(this.#ctx, entity);
      if (made !== undefined) await this.#record(tx, made.version === 1 ? 'created' : 'changed', key);
      return made;
    });
    if (put !== undefined) return { view: put, isNew: put.version === 1 };
    if (exists === true) throw new SkeinError('stale_version', `There is no such ${this.#spoken}`);
    throw this.#stale((await this.get(key)).version);
  }

  /** As it was. Rejects with `not_found`, `stale_version`, or with `conflict` while it is in use. */
  async remove(key: string, version: number | undefined): Promise<V> {
    const before = await this.get(key);
    const gone = await this.#options.database
      .transaction(async tx => {
        const row = await foundOne(this.#service._remove(this.#ctx, { id: this.#key(tx, key, version) }));
        if (row !== undefined) await this.#record(tx, 'removed', key);
        return row;
      })
      // Something came to refer to it meanwhile.
      .catch(error => (isForeignKey(error) ? undefined : Promise.reject(error)));
    if (gone !== undefined) return gone;
    const now = await this.get(key);
    if ((version ?? before.version) !== now.version) throw this.#stale(now.version);
    throw new SkeinError('conflict', (await this.#options.inUse?.(this.tenantId, key)) ?? 'It is in use');
  }

  async #change(tx: Transaction, key: string, fields: Fields, version: number | undefined): Promise<V | undefined> {
    const row = await foundOne(this.#service._update(this.#ctx, { ...fields, id: this.#key(tx, key, version) }));
    if (row !== undefined) await this.#record(tx, 'changed', key);
    return row;
  }

  #record(tx: Transaction, act: string, key: string): Promise<void> {
    const { noun } = this.#options;
    return audited(tx, this.#ctx, `${noun}.${act}`, `${noun} ${key}`);
  }

  #scope(db: Pick<Transaction, 'query'>) {
    return { tenantId: this.tenantId, db };
  }

  #key(db: Pick<Transaction, 'query'>, key: string, version?: number, filters?: Filters): Key {
    return {
      scope: this.#scope(db),
      key,
      ...(version !== undefined && { version }),
      ...(filters !== undefined && { filters }),
    };
  }

  get #spoken(): string {
    return this.#options.noun.replaceAll('-', ' ');
  }

  #unknown(key: string): SkeinError {
    return new SkeinError('not_found', `There is no ${this.#spoken} "${key.slice(0, 100)}"`);
  }

  #stale(version: number): SkeinError {
    return new SkeinError('stale_version', `The ${this.#spoken} has version ${version}`, { version });
  }
}

/** A transaction of its own, unless it is part of one already. */
const within = <T>(db: Transaction | Database, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  'transaction' in db ? db.transaction(work) : work(db);

/** Undefined for what moleculer-db did not find. Its own error names the key, and with it the whole scope. */
async function foundOne<V>(work: Promise<V>): Promise<V | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && error.name === 'EntityNotFoundError') return undefined;
    throw error;
  }
}

const FOREIGN_KEY_VIOLATION = '23503';
const isForeignKey = (error: unknown): boolean => isDatabaseError(error) && error.code === FOREIGN_KEY_VIOLATION;
