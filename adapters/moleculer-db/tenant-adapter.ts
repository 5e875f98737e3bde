/**
 * An adapter of moleculer-db on the port to the database, for what belongs to tenants. moleculer-db tells an adapter neither who calls nor in
 * which transaction, so both travel where it passes things on as they are: in the query, in the id, in the new entity. Whatever comes without
 * them is refused, so that no statement can forget its tenant.
 *
 * It is made of functions alone: Moleculer copies the schema of a service with all that is in it, and functions are what it leaves as they are.
 */
import type { Row, Transaction } from '../database/database.ts';
import { type Assignment, checkTable, selected, setsOf, type Table } from './table.ts';

export type Scope = { readonly tenantId: number; readonly db: Pick<Transaction, 'query'> };
type Filters = Readonly<Record<string, string | undefined>>;
type Fields = Readonly<Record<string, unknown>>;

/** Which rows: those that meet all filters, after `after`, in the order of the key. */
export type Query = {
  readonly scope: Scope;
  readonly filters?: Filters;
  readonly after?: string;
  readonly limit: number;
};
/** Which row. It is none when it has another version, or does not meet the filters. */
export type Key = {
  readonly scope: Scope;
  readonly key: string;
  readonly version?: number;
  readonly filters?: Filters;
};
/** A new row. `replaces`: one that is there gets these fields, all of which are given. */
export type Entity = {
  readonly scope: Scope;
  readonly key: string;
  readonly fields: Fields;
  readonly replaces?: boolean;
};

export type TenantAdapter = {
  readonly table: Table;
  init(): void;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  find(query: Query): Promise<Row[]>;
  findById(key: Key): Promise<Row | undefined>;
  /** Undefined: there is one already. */
  insert(entity: Entity): Promise<Row | undefined>;
  updateById(key: Key, update: { readonly $set: Fields }): Promise<Row | undefined>;
  removeById(key: Key): Promise<Row | undefined>;
  entityToObject(row: Row): Row;
  beforeSaveTransformID(entity: Entity): Entity;
  afterRetrieveTransformID(row: Row): Row;
};

const ROWS_MAX = 10_000;

export function tenantAdapter(table: Table): TenantAdapter {
  checkTable(table);
  const { name, key: keyColumn } = table;
  const columns = selected(table);
  const ofKey = `t.tenant_id = $1 AND t.${keyColumn} = $2 AND ($3::int IS NULL OR t.version = $3)`;
  const one = async ({ db }: Scope, sql: string, params: readonly unknown[]): Promise<Row | undefined> =>
    (await db.query(sql, params))[0];

  return {
    table,
    init: () => {},
    connect: async () => {},
    disconnect: async () => {},
    entityToObject: shown,
    beforeSaveTransformID: it => it,
    afterRetrieveTransformID: it => it,

    async find(query) {
      const { tenantId, db } = scopeOf(query);
      const { after = null, limit, filters } = query;
      if (!Number.isSafeInteger(limit) || limit < 1 || limit > ROWS_MAX) throw new Error(`No number of rows: ${limit}`);
      const { sql, values } = filtered(table, filters, 4);
      return db.query(
        `SELECT ${columns} FROM ${name} t WHERE t.tenant_id = $1 AND ($2::text IS NULL OR t.${keyColumn} > $2)${sql}
         ORDER BY t.${keyColumn} LIMIT $3`,
        [tenantId, after, limit, ...values],
      );
    },

    async findById(key) {
      const scope = scopeOf(key);
      const { sql, values } = filtered(table, key.filters, 4);
      return one(scope, `SELECT ${columns} FROM ${name} t WHERE ${ofKey}${sql}`, [...keyParams(key), ...values]);
    },

    async insert(entity) {
      const scope = scopeOf(entity);
      const sets = setsOf(table, entity.fields);
      const names = sets.map(it => `, ${it.column}`).join('');
      const places = sets.map((it, i) => `, $${i + 3}::${it.cast}`).join('');
      const otherwise = entity.replaces ? `UPDATE SET ${changed(sets, 3)}` : 'NOTHING';
      return one(
        scope,
        `INSERT INTO ${name} AS t (tenant_id, ${keyColumn}${names}) VALUES ($1, $2${places})
         ON CONFLICT (tenant_id, ${keyColumn}) DO ${otherwise} RETURNING ${columns}`,
        [scope.tenantId, textOf(entity.key), ...sets.map(it => it.value)],
      );
    },

    async updateById(key, { $set }) {
      const scope = scopeOf(key);
      const sets = setsOf(table, $set);
      const values = sets.map(it => it.value);
      return one(scope, `UPDATE ${name} AS t SET ${changed(sets, 4)} WHERE ${ofKey} RETURNING ${columns}`, [
        ...keyParams(key),
        ...values,
      ]);
    },

    async removeById(key) {
      const scope = scopeOf(key);
      const only = table.removable === undefined ? '' : ` AND ${table.removable}`;
      return one(scope, `DELETE FROM ${name} AS t WHERE ${ofKey}${only} RETURNING ${columns}`, keyParams(key));
    },
  };
}

/** Throws when nobody said whose it is. */
function scopeOf(asked: { readonly scope?: Partial<Scope> } | null | undefined): Scope {
  const { tenantId, db } = asked?.scope ?? {};
  if (typeof tenantId !== 'number' || !Number.isSafeInteger(tenantId) || db === undefined)
    throw new Error('A statement about what belongs to a tenant does not name the tenant');
  return { tenantId, db };
}

/** Whatever else it is, it might become a condition. */
function textOf(key: unknown): string {
  if (typeof key !== 'string') throw new Error('The key of a row is a text');
  return key;
}

const keyParams = ({ scope, key, version }: Key): unknown[] => [scope.tenantId, textOf(key), version ?? null];

const changed = (sets: readonly Assignment[], from: number): string =>
  [
    ...sets.map((it, i) => `${it.column} = $${i + from}::${it.cast}`),
    'version = t.version + 1',
    'updated_at = now()',
  ].join(', ');

function filtered({ name, filters: known = {} }: Table, asked: Filters = {}, from: number) {
  const given = Object.entries(asked).filter(it => it[1] !== undefined);
  const sql = given.map(([filter], i) => {
    const condition = Object.hasOwn(known, filter) ? known[filter] : undefined;
    if (condition === undefined) throw new Error(`The table ${name} has no filter ${filter}`);
    return ` AND (${condition.replaceAll('?', () => `$${i + from}`)})`;
  });
  return { sql: sql.join(''), values: given.map(it => textOf(it[1])) };
}

/** Times as they look outside. */
const shown = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).map(([name, it]) => [name, it instanceof Date ? it.toISOString() : it]));
