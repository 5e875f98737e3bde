/** I12, and that everything comes to a good end: what must hold once nothing goes wrong any more. */
import { commandsAreTrue, unfinishedRequests, whoWaits } from './commands-end.ts';
import type { World } from './world.ts';

const OWNED_WITHIN_MS = 14_000;
/** What was slow before may be done only now: a dead process prolongs its lease by it. */
const SLOWEST_MS = 4_000;
const SETTLED_WITHIN_MS = 20_000;
export const FINISHED_WITHIN_MS = 120_000;

/** Whether every shard has a living owner. Notes a violation when that takes too long. */
export function areShardsOwned(world: World, healedAtMs: number): boolean {
  const live = new Set([...world.processes].map(it => it.instanceId));
  const { ownership } = world.database;
  const orphans = ownership.shards.filter(
    ({ holder }) => holder === null || !live.has(holder) || ownership.session(holder)?.state === 'closed',
  );
  if (orphans.length === 0) return true;
  const up = [...world.processes].flatMap(it => it.upSinceMs ?? []);
  const sinceMs = Math.max(healedAtMs + SLOWEST_MS, world.lastEndMs, Math.min(...up));
  if (up.length > 0 && world.clock.nowMs - sinceMs >= OWNED_WITHIN_MS)
    world.invariants.violated('I12', `${orphans.length} shards have no owner, such as ${JSON.stringify(orphans[0])}`);
  return false;
}

export function acknowledgementsEnd(world: World, healedAtMs: number): void {
  for (const { sinceMs, uplink, label, process } of world.invariants.withheld)
    if (world.clock.nowMs - Math.max(sinceMs, healedAtMs) > SETTLED_WITHIN_MS)
      world.invariants.violated(
        'I12',
        `no answer to ${uplink.kind} ${label} of ${uplink.address.key} at ${process.name}`,
      );
}

/** What was acknowledged is there, and every device could finish. */
export function everythingIsThere(world: World): void {
  for (const device of world.devices) {
    if (!device.isDone) world.invariants.violated('I12', `${device.name} could not finish`);
    const { points, deadLetters } = world.database.tables.find(device.address.key);
    const stored = new Set<number>();
    for (const [key, value] of points) if (key.startsWith('seq ')) stored.add(value);
    const kept = [...deadLetters.values()].map(it => Buffer.from(it.payload).toString());
    for (const seq of device.acknowledgedMessages)
      if (!stored.has(seq) && !kept.some(it => it.startsWith(`{"seq":${seq}`)))
        world.invariants.violated('I1', `#${seq} of ${device.name} was acknowledged and is not there`);
  }
  if (world.plan.requests.length === 0) return;
  for (const what of unfinishedRequests(world)) world.invariants.violated('I12', what);
  for (const what of whoWaits(world)) world.invariants.violated('timers', what);
  commandsAreTrue(world);
}

/** All that devices and applications wanted has come to an end. */
export const isFinished = (world: World): boolean =>
  world.devices.every(it => it.isDone) &&
  (world.plan.requests.length === 0 || unfinishedRequests(world).next().done === true);

/** Nothing is left to do, so nobody waits for a time at which to do it. */
export const isAtRest = (world: World): boolean =>
  world.plan.requests.length === 0 || whoWaits(world).next().done === true;
