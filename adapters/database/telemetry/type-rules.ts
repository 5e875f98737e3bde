/** The rules of the types of devices that are in memory: one object for each type, which is kept as the type is. */
import { LRUCache } from 'lru-cache';
import type { MeasurementDescriptions } from '../../../contracts/device-types.contract.ts';
import { rulesOf, type TypeRules, type Validation } from '../../../contracts/validation.ts';
import type { Database } from '../database.ts';

export type TypeName = { readonly tenantId: number; readonly type: string };
/** `mark` is another one with each change of the type; empty: there is no such type. */
type Known = TypeName & { readonly rules: TypeRules; readonly mark: string };
type Row = {
  tenant_id: number;
  type: string;
  mark: string;
  measurements: MeasurementDescriptions | null;
  validation: Validation | null;
};

/** What one type takes in memory, and each measurement that it describes. */
const TYPE_BYTES = 1_000;
const MEASUREMENT_BYTES = 300;
/** Types that one query looks at. */
const QUERY_TYPES = 1_000;

/** Of the wanted types those that are not, or not any more, what the mark says. */
const CHANGED_SQL = `
WITH found AS (
  SELECT wanted.tenant_id, wanted.type, wanted.mark AS before, t.measurements, t.validation,
    coalesce(t.version || ' ' || extract(epoch FROM t.updated_at), '') AS mark
  FROM unnest($1::int4[], $2::text[], $3::text[]) AS wanted (tenant_id, type, mark)
  LEFT JOIN device_type t ON t.tenant_id = wanted.tenant_id AND t.name = wanted.type
)
SELECT tenant_id, type, mark, measurements, validation FROM found WHERE mark IS DISTINCT FROM before`;

export class TypeRulesCache {
  readonly #database: Pick<Database, 'query'>;
  readonly #known: LRUCache<string, Known>;
  readonly #perhapsChanged = new Set<string>();

  constructor(database: Pick<Database, 'query'>, maxBytes: number) {
    this.#database = database;
    this.#known = new LRUCache<string, Known>({
      maxSize: maxBytes,
      sizeCalculation: ({ rules: { current } }) =>
        TYPE_BYTES + (current === null ? 0 : current.measurements.size * MEASUREMENT_BYTES),
      dispose: ({ rules }, _key, why) => {
        if (why !== 'set') rules.isForgotten = true;
      },
    });
  }

  /** The rules of all these types, by `typeKey`: from memory those that are known. */
  async load(wanted: readonly TypeName[]): Promise<Map<string, TypeRules>> {
    const rules = new Map<string, TypeRules>();
    const missing = new Map<string, TypeName>();
    for (const name of wanted) {
      const key = typeKey(name);
      const known = this.#known.get(key);
      if (known === undefined) missing.set(key, name);
      else rules.set(key, known.rules);
    }
    if (missing.size === 0) return rules;
    for (const row of await this.#read([...missing.values()].map(name => ({ ...name, mark: null }))))
      rules.set(typeKey({ tenantId: row.tenant_id, type: row.type }), this.#keep(row));
    return rules;
  }

  /** A type was changed. What is known of it stays until `readChanged`. */
  changed(name: TypeName): void {
    const key = typeKey(name);
    if (this.#known.has(key)) this.#perhapsChanged.add(key);
  }

  get hasChanged(): boolean {
    return this.#perhapsChanged.size > 0;
  }

  /** Reads again what `changed` was told of. */
  async readChanged(): Promise<void> {
    const known = [...this.#perhapsChanged].flatMap(key => this.#known.peek(key) ?? []);
    this.#perhapsChanged.clear();
    await this.#readAgain(known);
  }

  /** Reads again all that changed, whoever was told of it. */
  async readAll(): Promise<void> {
    this.#perhapsChanged.clear();
    await this.#readAgain([...this.#known.values()]);
  }

  async #readAgain(known: readonly Known[]): Promise<void> {
    for (let at = 0; at < known.length; at += QUERY_TYPES)
      for (const row of await this.#read(known.slice(at, at + QUERY_TYPES)))
        if (this.#known.has(typeKey({ tenantId: row.tenant_id, type: row.type }))) this.#keep(row);
  }

  #read(wanted: readonly (TypeName & { readonly mark: string | null })[]): Promise<Row[]> {
    const columns = [wanted.map(it => it.tenantId), wanted.map(it => it.type), wanted.map(it => it.mark)];
    return this.#database.query<Row>(CHANGED_SQL, columns);
  }

  /** Actors have the object of rules that is known already: that one is changed. */
  #keep({ tenant_id: tenantId, type, mark, measurements, validation }: Row): TypeRules {
    const key = typeKey({ tenantId, type });
    const rules = this.#known.peek(key)?.rules ?? { type, current: null, isForgotten: false };
    rules.current = rulesOf(measurements, validation);
    this.#known.set(key, { tenantId, type, rules, mark });
    // Larger than all that may be remembered together.
    if (!this.#known.has(key)) rules.isForgotten = true;
    return rules;
  }
}

export const typeKey = ({ tenantId, type }: TypeName): string => `${tenantId} ${type}`;
