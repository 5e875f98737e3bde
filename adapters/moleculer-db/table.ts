/** How a table of things that belong to tenants is told to the adapter. Every name in it becomes part of SQL, so all are checked once. */

/** `jsonb` goes as text, so that a text is JSON too. */
export type Column = { readonly column: string; readonly type: 'text' | 'text[]' | 'int' | 'jsonb' };

export type Table = {
  readonly name: string;
  /** The column, and the field, that names a row within its tenant. Lists are in its order. */
  readonly key: string;
  /** What can be set, by the name of the field. Whatever is not here can't be. */
  readonly columns: { readonly [field: string]: Column };
  /** Conditions on the row `t`, by name, with `?` for the value that is asked for. */
  readonly filters?: { readonly [filter: string]: string };
  /** A condition on the row `t`: only such a row can be removed. */
  readonly removable?: string;
};

const CAST: Record<Column['type'], string> = { text: 'text', 'text[]': 'text[]', int: 'int', jsonb: 'text::jsonb' };
const NAME = /^[a-z][a-z_]{0,62}$/;
const FIELD = /^[a-z][a-zA-Z]{0,62}$/;
/** Every table has these; nobody sets them. */
const OWN = ['version', 'created_at', 'updated_at', 'tenant_id'];

export function checkTable({ name, key, columns, filters = {} }: Table): void {
  const names = [name, key, ...Object.values(columns).map(it => it.column)];
  const wrong =
    names.find(it => !NAME.test(it) || OWN.includes(it)) ?? Object.keys(columns).find(it => !FIELD.test(it));
  if (wrong !== undefined) throw new Error(`${wrong} can not be the name of a column, a table or a field here`);
  const broken = Object.entries(filters).find(it => !it[1].includes('?'));
  if (broken !== undefined) throw new Error(`The filter ${broken[0]} does not say where its value goes`);
}

export type Assignment = { readonly column: string; readonly cast: string; readonly value: unknown };

/** The columns that the given fields set. Throws for a field that the table does not have. */
export function setsOf({ name, columns }: Table, fields: Readonly<Record<string, unknown>>): Assignment[] {
  return Object.entries(fields)
    .filter(it => it[1] !== undefined)
    .map(([field, value]) => {
      const known = Object.hasOwn(columns, field) ? columns[field] : undefined;
      if (known === undefined) throw new Error(`The table ${name} has no field ${field}`);
      const { column, type } = known;
      return { column, cast: CAST[type], value: type === 'jsonb' && value !== null ? JSON.stringify(value) : value };
    });
}

/** What a statement gives back: the fields by their own names. */
export function selected({ key, columns }: Table): string {
  const fields = Object.entries(columns).map(([field, { column }]) => `t.${column} AS "${field}"`);
  return [`t.${key}`, ...fields, 't.version', 't.created_at AS "createdAt"', 't.updated_at AS "updatedAt"'].join(', ');
}
