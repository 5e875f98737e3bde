/** The devices that lines name, as their actors would know them: looked up once in a turn. */
import { Series } from '../../actors/device/series.ts';
import type { Database } from '../../adapters/database/database.ts';
import { TypeRulesCache, typeKey } from '../../adapters/database/telemetry/type-rules.ts';
import { isDeviceId } from '../../contracts/addresses.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { ValidationRules } from '../../contracts/validation.ts';

export type KnownDevice = {
  readonly uid: number;
  readonly series: Series;
  /** Null: nothing is held against anything. */
  readonly rules: ValidationRules | null;
  /** It takes no history any more. */
  readonly isEnded: boolean;
};
type Row = {
  device_id: string;
  device_uid: number;
  is_ended: boolean;
  device_type: string | null;
  names: string[] | null;
};

/** Devices that one query looks up. */
const QUERY_DEVICES = 5_000;

export class KnownDevices {
  readonly #database: Database;
  readonly #of: { readonly tenantId: number; readonly within: string | null };
  readonly #limits: Pick<Limits, 'historyDevicesKnown' | 'deviceIdMaxLength'>;
  readonly #rules: TypeRulesCache;
  readonly #known = new Map<string, KnownDevice | null>();

  /** @param of the tenant, and which of its devices count, as `device_fits` takes it; null: all */
  constructor(
    database: Database,
    of: { readonly tenantId: number; readonly within: string | null },
    limits: Pick<Limits, 'historyDevicesKnown' | 'deviceIdMaxLength' | 'typeRulesMaxBytes'>,
  ) {
    this.#database = database;
    this.#of = of;
    this.#limits = limits;
    this.#rules = new TypeRulesCache(database, limits.typeRulesMaxBytes);
  }

  /** After it `get` knows these, those of the piece before too. */
  async learn(ids: Iterable<string>): Promise<void> {
    if (this.#known.size > this.#limits.historyDevicesKnown) this.#known.clear();
    const missing: string[] = [];
    for (const id of new Set(ids))
      if (this.#known.has(id)) continue;
      else if (isDeviceId(id, this.#limits.deviceIdMaxLength)) missing.push(id);
      else this.#known.set(id, null);
    for (let at = 0; at < missing.length; at += QUERY_DEVICES) await this.#look(missing.slice(at, at + QUERY_DEVICES));
  }

  /** Null: the tenant has none of this name that the caller may see. */
  get(id: string): KnownDevice | null {
    return this.#known.get(id) ?? null;
  }

  /** Something of it has changed. */
  forget(): void {
    this.#known.clear();
  }

  async #look(ids: readonly string[]): Promise<void> {
    const { tenantId, within } = this.#of;
    const rows = await this.#database.query<Row>(
      `SELECT d.device_id, d.device_uid, d.state = 'decommissioned' OR d.erasure_started_at IS NOT NULL AS is_ended, d.device_type,
         (SELECT array_agg(m.name ORDER BY m.measurement_id) FROM device_measurement dm JOIN measurement m USING (measurement_id)
          WHERE dm.device_uid = d.device_uid) AS names
       FROM device d WHERE d.tenant_id = $1 AND d.device_id = ANY ($2::text[]) AND ($3::text IS NULL OR device_fits(d, $3::text::jsonb))`,
      [tenantId, ids, within],
    );
    const types = [...new Set(rows.flatMap(it => it.device_type ?? []))].map(type => ({ tenantId, type }));
    const rules = await this.#rules.load(types);
    for (const id of ids) this.#known.set(id, null);
    for (const { device_id, device_uid: uid, is_ended: isEnded, device_type: type, names } of rows) {
      const ofType = type === null ? null : (rules.get(typeKey({ tenantId, type }))?.current ?? null);
      const series = new Series(names ?? [], [], null);
      this.#known.set(device_id, { uid, series, rules: ofType === null ? null : forHistory(ofType), isEnded });
    }
  }
}

const HISTORY_RULES = new WeakMap<ValidationRules, ValidationRules>();
/** How old a value may be is said for what devices send; history is old. */
function forHistory(rules: ValidationRules): ValidationRules {
  const made = HISTORY_RULES.get(rules) ?? { ...rules, tooOldSeconds: Number.POSITIVE_INFINITY };
  HISTORY_RULES.set(rules, made);
  return made;
}
