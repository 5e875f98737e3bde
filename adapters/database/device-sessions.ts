/** What a transaction of a lane writes of devices' connections. */
import type { SessionChange } from '../../contracts/sessions.ts';
import type { Effects } from '../../contracts/store.ts';
import { CLOSE_SESSION_SQL, OPEN_SESSION_SQL, RECEIVING_SQL, SESSIONS_BEFORE_SQL } from './actor-store.sql.ts';
import type { Row, Step } from './database.ts';
import { NO_STEPS, type StepsOfEffects } from './steps-of-effects.ts';

type Opened = Extract<SessionChange, { kind: 'opened' }>;
type Closed = Extract<SessionChange, { kind: 'closed' }>;
type Receiving = Extract<SessionChange, { kind: 'receiving' }>;
type Of<C> = { readonly deviceUid: number; readonly change: C };

/** Of each device the newest session that was opened; of each session what it takes in the end, and its first close. */
type Gathered = {
  readonly devices: Set<number>;
  readonly opened: Map<number, Of<Opened>>;
  readonly receiving: Map<string, Of<Receiving>>;
  readonly closed: Map<string, Of<Closed>>;
};

/**
 * The steps for all changes of sessions among these effects; none if there is no change. Of each device the newest session is
 * opened, then sessions take what they take, then they are closed by their number. That ends where the changes one after the other
 * would end: a change of an older session than the newest changes nothing, and a session is closed after it was opened.
 */
export function sessionSteps(effects: readonly Effects[]): StepsOfEffects {
  const { devices, opened, receiving, closed } = gather(effects);
  if (devices.size === 0) return NO_STEPS;
  const steps: Step[] = [{ kind: 'query', sql: SESSIONS_BEFORE_SQL, params: [[...devices]] }];
  if (opened.size > 0) steps.push(openStep([...opened.values()]));
  if (receiving.size > 0) steps.push(receivingStep([...receiving.values()]));
  if (closed.size > 0) steps.push(closeStep([...closed.values()]));
  return { steps, tellNews: ([before], news) => tellSessionNews(effects, before!, news) };
}

function gather(effects: readonly Effects[]): Gathered {
  const all: Gathered = { devices: new Set(), opened: new Map(), receiving: new Map(), closed: new Map() };
  for (const { deviceUid, session: change } of effects) {
    if (change === null) continue;
    all.devices.add(deviceUid);
    const key = `${deviceUid} ${change.session}`;
    if (change.kind === 'opened') {
      const newest = all.opened.get(deviceUid)?.change.session ?? -1;
      if (change.session > newest) all.opened.set(deviceUid, { deviceUid, change });
    } else if (!all.closed.has(key)) {
      if (change.kind === 'closed') all.closed.set(key, { deviceUid, change });
      else all.receiving.set(key, { deviceUid, change });
    }
  }
  return all;
}

/** Marks the effects whose change of a session changed something. `before`: the devices' sessions before any of them. */
function tellSessionNews(effects: readonly Effects[], before: readonly Row[], news: boolean[]): void {
  const current = new Map(before.map(row => [row.device_uid, { session: row.session, connected: row.connected }]));
  for (let entry = 0; entry < effects.length; entry++) {
    const { deviceUid, session: change } = effects[entry]!;
    if (change === null) continue;
    const now = current.get(deviceUid);
    if (change.kind === 'opened') {
      if (now !== undefined && change.session <= (now.session as number)) continue;
    } else if (now?.session !== change.session || now.connected === false) continue;
    current.set(deviceUid, { session: change.session, connected: change.kind !== 'closed' });
    news[entry] = true;
  }
}

function openStep(opened: readonly Of<Opened>[]): Step {
  const column = <T>(read: (change: Opened) => T): T[] => opened.map(one => read(one.change));
  const params = [
    opened.map(one => one.deviceUid),
    column(change => change.session),
    column(change => change.instanceId),
    column(change => change.address),
    column(change => change.nodeId),
    column(change => change.protocol),
    column(change => change.peer),
    column(change => change.atMs),
  ];
  return { kind: 'query', sql: OPEN_SESSION_SQL, params };
}

function receivingStep(receiving: readonly Of<Receiving>[]): Step {
  const params = [
    receiving.map(one => one.deviceUid),
    receiving.map(one => one.change.session),
    receiving.map(one => one.change.receives),
  ];
  return { kind: 'query', sql: RECEIVING_SQL, params };
}

function closeStep(closed: readonly Of<Closed>[]): Step {
  const column = <T>(read: (change: Closed) => T): T[] => closed.map(one => read(one.change));
  const params = [
    closed.map(one => one.deviceUid),
    column(change => change.session),
    column(change => change.atMs),
    column(change => change.reason),
  ];
  return { kind: 'query', sql: CLOSE_SESSION_SQL, params };
}
