/** Twins as a transaction of a lane writes them, and as rows of `device_twin` hold them. */
import type { JsonObject } from '../../contracts/json.ts';
import type { Effects } from '../../contracts/store.ts';
import type { LeafTimes, TwinDocument, TwinRecord } from '../../contracts/twins.ts';
import { TWIN_SQL } from './actor-store.sql.ts';
import type { Step } from './database.ts';
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
 * The steps for all changes of twins among these effects: one for each of the two documents, with those devices whose document changed.
 * Each change carries the whole document, so the last one of a device is where it ends.
 */
export function twinSteps(effects: readonly Effects[]): StepsOfEffects {
  const steps: Step[] = [];
  for (const document of ['reported', 'desired'] as const) {
    const last = new Map<number, TwinDocument>();
    for (const { deviceUid, twin } of effects)
      if (twin?.step.document === document) last.set(deviceUid, twin.record[document]);
    if (last.size > 0) steps.push(documentStep(document, last));
  }
  return steps.length === 0 ? NO_STEPS : { steps };
}

function documentStep(document: keyof TwinRecord, changed: ReadonlyMap<number, TwinDocument>): Step {
  const documents = [...changed.values()];
  const params = [
    [...changed.keys()],
    documents.map(it => JSON.stringify(it.document)),
    documents.map(it => it.version),
    documents.map(it => JSON.stringify(it.times)),
  ];
  return { kind: 'query', sql: TWIN_SQL[document], params };
}

export function twinOf(row: TwinRow | NoTwinRow): TwinRecord | null {
  if (row.reported === null) return null;
  return {
    reported: { version: row.reported_version, document: row.reported, times: row.reported_times },
    desired: { version: row.desired_version, document: row.desired, times: row.desired_times },
  };
}
