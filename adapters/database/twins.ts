/** Twins as a transaction of a lane writes them, and as rows of `device_twin` hold them. */
import type { JsonObject } from '../../contracts/json.ts';
import type { Effects } from '../../contracts/store.ts';
import type { LeafTimes, TwinDocument, TwinRecord } from '../../contracts/twins.ts';
import { TWIN_SQL } from './actor-store.sql.ts';
import { NO_STEPS, type StepsOfEffects } from './steps-of-effects.ts';

export type TwinRow = {
  reported: JsonObject;
  reported_version: number;
  reported_times: LeafTimes;
  desired: JsonObject;
  desired_version: number;
  desired_times: LeafTimes;
};
/** Of a device without a twin, by an outer join. */
export type NoTwinRow = { [K in keyof TwinRow]: null };

/**
 * The step for all changes of twins among these effects; none if there is no change. Each carries the whole twin, so the last one
 * of a device is where it ends.
 */
export function twinSteps(effects: readonly Effects[]): StepsOfEffects {
  const last = new Map<number, TwinRecord>();
  for (const { deviceUid, twin } of effects) if (twin !== null) last.set(deviceUid, twin.record);
  if (last.size === 0) return NO_STEPS;
  const twins = [...last.values()];
  const column = <T>(of: keyof TwinRecord, read: (it: TwinDocument) => T): T[] => twins.map(twin => read(twin[of]));
  const columns = (of: keyof TwinRecord) => [
    column(of, it => JSON.stringify(it.document)),
    column(of, it => it.version),
    column(of, it => JSON.stringify(it.times)),
  ];
  const params = [[...last.keys()], ...columns('reported'), ...columns('desired')];
  return { steps: [{ kind: 'query', sql: TWIN_SQL, params }] };
}

export function twinOf(row: TwinRow | NoTwinRow): TwinRecord | null {
  if (row.reported === null) return null;
  return {
    reported: { version: row.reported_version, document: row.reported, times: row.reported_times },
    desired: { version: row.desired_version, document: row.desired, times: row.desired_times },
  };
}
