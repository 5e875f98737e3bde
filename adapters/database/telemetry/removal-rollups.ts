/** Rollups that are kept no longer: of the hours, days and minutes of a series, all that are older than its policy says. */
import type { Database } from '../database.ts';
import { dayStart } from './days.ts';
import { waitForHolds } from './removal-locks.ts';
import { defaultsOf, isAbout, type RuleDefaults, ruleOf } from './removal-rules.ts';

const PIECE_SERIES = 500;
/** As good as for ever. */
const LONGEST_DAYS = 1_000_000;
/** Before all that is stored. */
const BEGIN = `'-infinity'::timestamptz`;

/** Of all tenants. A series that some open hold is about keeps its rollups, whatever times the hold names. Answers how many rollups went. */
export async function removeOldRollups(database: Database, defaults: RuleDefaults, today: number): Promise<number> {
  // From one series to those behind it: whatever becomes of its rollups, there is an end.
  let after = { device: 0, measurement: 0 };
  for (let removed = 0; ; ) {
    const [due, rollups] = await database.transaction(async tx => {
      await waitForHolds(tx);
      const due = await tx.query<{ device: number; measurement: number; before: number }>(DUE_SQL, [
        today,
        ...defaultsOf(defaults),
        PIECE_SERIES,
        after.device,
        after.measurement,
      ]);
      let gone = 0;
      for (const [before, some] of Map.groupBy(due, it => it.before)) {
        const [row] = await tx.query<{ gone: number }>(
          `SELECT telemetry_remove_rollups($1::int4[], $2::int4[], ${BEGIN}, ${dayStart('$3')}) AS gone`,
          [some.map(it => it.device), some.map(it => it.measurement), before],
        );
        gone += row!.gone;
      }
      return [due, gone];
    });
    removed += rollups;
    after = due.at(-1) ?? after;
    if (due.length < PIECE_SERIES) return removed;
  }
}

const DUE_SQL = `
SELECT dm.device_uid AS device, dm.measurement_id AS measurement, $1::int - rule.rollups_after AS before
FROM device d JOIN device_measurement dm ON dm.device_uid = d.device_uid
  JOIN measurement m ON m.measurement_id = dm.measurement_id AND m.tenant_id = d.tenant_id ${ruleOf('$2', '$3', '$4')}
WHERE rule.rollups_after < ${LONGEST_DAYS}
  AND EXISTS (SELECT FROM telemetry_1h r WHERE r.device_uid = dm.device_uid AND r.measurement_id = dm.measurement_id
                AND r.bucket < ${dayStart('($1::int - rule.rollups_after)')})
  AND NOT EXISTS (
    SELECT FROM legal_hold h WHERE h.tenant_id = d.tenant_id AND h.released_at IS NULL AND ${isAbout})
  AND (dm.device_uid, dm.measurement_id) > ($6::int, $7::int)
ORDER BY 1, 2 LIMIT $5`;
