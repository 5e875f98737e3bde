/** The steps by which twins came to their versions, as a transaction of a lane writes them. */
import type { Effects } from '../../contracts/store.ts';
import type { TwinChange } from '../../contracts/twins.ts';
import { NO_STEPS, type StepsOfEffects } from './steps-of-effects.ts';
import { TWIN_STEP_SQL } from './twin-steps.sql.ts';

/**
 * Every so many versions the whole document is stored beside its patch. More often costs room: a document is up to 32 KiB. Less often
 * makes it slower to read how a twin was, and keeps more steps that are too old by themselves.
 */
export const VERSIONS_PER_WHOLE = 32;

const isWhole = (version: number): boolean => version === 1 || version % VERSIONS_PER_WHOLE === 0;

type Change = TwinChange & { readonly deviceUid: number };

export function historySteps(effects: readonly Effects[]): StepsOfEffects {
  const changes: Change[] = [];
  for (const { deviceUid, twin } of effects) if (twin !== null) changes.push({ deviceUid, ...twin });
  if (changes.length === 0) return NO_STEPS;
  const whole = changes.map(({ record, step }) => (isWhole(step.version) ? record[step.document] : null));
  const params = [
    changes.map(one => one.deviceUid),
    changes.map(one => one.step.document),
    changes.map(one => one.step.version),
    changes.map(one => one.step.atMs),
    changes.map(one => JSON.stringify(one.step.patch)),
    whole.map(it => it && JSON.stringify(it.document)),
    whole.map(it => it && JSON.stringify(it.times)),
  ];
  return { steps: [{ kind: 'query', sql: TWIN_STEP_SQL, params }] };
}
