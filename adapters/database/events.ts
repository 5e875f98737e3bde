/** Events as a transaction of a lane writes them. */
import type { DeviceEvent } from '../../contracts/events.ts';
import type { Effects } from '../../contracts/store.ts';
import { EVENT_SQL } from './events.sql.ts';
import { NO_STEPS, type StepsOfEffects } from './steps-of-effects.ts';

export function eventSteps(effects: readonly Effects[]): StepsOfEffects {
  const all: { of: Effects; event: DeviceEvent }[] = [];
  for (const of of effects) for (const event of of.events) all.push({ of, event });
  if (all.length === 0) return NO_STEPS;
  const params = [
    all.map(one => one.of.tenantId),
    all.map(one => one.of.deviceUid),
    all.map(one => one.event.kind),
    all.map(one => one.event.atMs),
    all.map(one => JSON.stringify(one.event.data)),
  ];
  return { steps: [{ kind: 'query', sql: EVENT_SQL, params }] };
}
