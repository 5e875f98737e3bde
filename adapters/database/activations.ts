/** A device that was only registered becomes active when it is first heard of. */
import type { Effects } from '../../contracts/store.ts';
import { NO_STEPS, type StepsOfEffects } from './steps-of-effects.ts';

/** Only those that are still new: one that was suspended meanwhile stays suspended. */
const ACTIVATE_SQL = `
WITH fresh AS (
  SELECT device_uid, state FROM device
  WHERE device_uid = ANY ($1::int8[]) AND state IN ('registered', 'provisioned') ORDER BY device_uid FOR NO KEY UPDATE
), activated AS (
  UPDATE device SET state = 'active', state_reason = NULL, state_changed_at = now(), version = version + 1, updated_at = now()
  FROM fresh WHERE device.device_uid = fresh.device_uid
  RETURNING device.device_uid, device.device_id, fresh.state AS from_state
)
INSERT INTO device_lifecycle (device_uid, from_state, to_state, changed_by)
SELECT device_uid, from_state, 'active', 'device ' || device_id FROM activated`;

export function activationSteps(effects: readonly Effects[]): StepsOfEffects {
  const activated = effects.filter(one => one.activates).map(one => one.deviceUid);
  return activated.length === 0 ? NO_STEPS : { steps: [{ kind: 'query', sql: ACTIVATE_SQL, params: [activated] }] };
}
