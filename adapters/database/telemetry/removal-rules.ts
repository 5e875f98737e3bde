/** SQL: which policy counts for a series, and whether something forbids to remove its rows. */

/** What counts where no policy fits. */
export type RuleDefaults = {
  readonly telemetryArchiveAfterDays: number;
  readonly telemetryDropAfterDays: number;
  readonly telemetryRollupsKeepDays: number;
};

/** More than any age: never. */
const NEVER = 10_000_000;

/**
 * For the device `d` and the measurement `m`: `rule.policy` (null: none fits) and after how many days what happens. The parameters are the
 * defaults. Of several policies the one that says most counts, as a whole. Rollups are never removed before the readings, of rows or in files:
 * answers by the hour and by the day are made of them.
 */
export const ruleOf = (archive: string, drop: string, rollups: string): string => `
CROSS JOIN LATERAL (
  SELECT said.*, greatest(said.rollups_said, said.drop_after) AS rollups_after FROM (SELECT found.name AS policy,
    CASE WHEN found.name IS NULL THEN ${archive}::int ELSE coalesce(found.archive_after_days, ${NEVER}) END AS archive_after,
    CASE WHEN found.name IS NULL THEN ${drop}::int ELSE coalesce(found.drop_after_days, ${NEVER}) END AS drop_after,
    CASE WHEN found.name IS NULL THEN ${rollups}::int ELSE coalesce(found.rollups_keep_days, ${NEVER}) END AS rollups_said
  FROM (SELECT) AS one LEFT JOIN LATERAL (
    SELECT p.* FROM storage_policy p
    WHERE p.tenant_id = d.tenant_id AND (p.device_type IS NULL OR p.device_type = d.device_type)
      AND (p.measurement IS NULL OR p.measurement = m.name)
    ORDER BY p.measurement IS NULL, p.device_type IS NULL LIMIT 1
  ) found ON true) said
) rule`;

/** For a hold `h`, a device `d` and a measurement `m`. Which type the device had while it was held counts as well: legal_hold_device. */
export const isAbout = `(h.device_id IS NULL OR h.device_id = d.device_id)
    AND (h.device_type IS NULL OR h.device_type = d.device_type
      OR EXISTS (SELECT FROM legal_hold_device k WHERE k.hold_id = h.hold_id AND k.device_uid = d.device_uid))
    AND (h.measurement IS NULL OR h.measurement = m.name)`;

/** For the same `d` and `m`: a hold covers something between these moments. */
export const isHeld = (from: string, to: string): string => `EXISTS (
  SELECT FROM legal_hold h
  WHERE h.tenant_id = d.tenant_id AND h.released_at IS NULL AND ${isAbout} AND (h.from_at IS NULL OR h.from_at < ${to}) AND (h.to_at IS NULL OR h.to_at > ${from}))`;

export const defaultsOf = (limits: RuleDefaults): readonly [number, number, number] => [
  limits.telemetryArchiveAfterDays,
  limits.telemetryDropAfterDays,
  limits.telemetryRollupsKeepDays,
];
