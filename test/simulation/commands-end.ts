/** What must have become of commands and twins once nothing goes wrong any more. */
import { delta } from '../../actors/device/merge-patch.ts';
import { type CommandRecord, isOpen } from '../../contracts/commands.ts';
import type { SimDevice } from './sim-device.ts';
import type { World } from './world.ts';

/** What is still to come; nothing: all requests have come to their ends. */
export function* unfinishedRequests(world: World): Generator<string> {
  if (!world.requests.areOver) yield 'an application waits for its answer';
  for (const { commands, key } of world.database.tables.all)
    for (const { id, state } of commands.values()) if (isOpen(state)) yield `${id} of ${key} is ${state}`;
  for (const device of world.devices) {
    const { taking, name } = device;
    if (taking === null) continue;
    if (!taking.isQuiet || !taking.twin.isDone) yield `${name} has something to say`;
    if (!isAsDesired(world, device)) yield `${name} is not as it is desired`;
  }
}

/**
 * When a device that is not told of what is desired of it connects anew. A delta that was not told when its shard went to another owner is
 * told with the next message or connect of the device, and not before; with Infinity here the simulation finds that.
 */
const PATIENCE_MS = 20_000;

/** @param restMs how long nothing has gone wrong */
export function helpDevices(world: World, restMs: number): void {
  if (restMs < PATIENCE_MS || restMs % 5_000 !== 0) return;
  for (const device of world.devices) if (device.taking && !isAsDesired(world, device)) device.blip();
}

/** A library device has reported all that is desired; a plain one was told of it. */
function isAsDesired({ database }: World, { taking, address }: SimDevice): boolean {
  const { twin } = database.tables.find(address.key);
  if (twin === null || Object.keys(delta(twin.desired.document, twin.reported.document)).length === 0) return true;
  return taking!.plan.kind === 'plain' && taking!.twin.toldVersion === twin.desired.version;
}

export function commandsAreTrue(world: World): void {
  for (const device of world.devices)
    for (const command of world.database.tables.find(device.address.key).commands.values()) {
      const lie = lieOf(world, device, command);
      if (lie !== undefined)
        world.invariants.violated('commands', `${command.id} of ${device.name} is ${command.state}, but ${lie}`);
    }
}

const REST_MS = 300;

/** Owners in which something waits for its time, or for its turn. */
export function* whoWaits({ clock, processes }: World): Generator<string> {
  for (const { name, timersAtMs, host } of processes) {
    if (clock.nowMs - timersAtMs < REST_MS) yield `something waits for its time in ${name}`;
    const { waitingForTurns } = host.figures();
    if (waitingForTurns! > 0) yield `${waitingForTurns} wait for turns in ${name}`;
  }
}

function lieOf({ invariants }: World, { taking }: SimDevice, { id, state, mode }: CommandRecord): string | undefined {
  const { histories, writes } = invariants.commands;
  const times = taking?.commands.done.get(id) ?? 0;
  const isLibrary = taking?.plan.kind === 'library';
  const isWritten = writes.has(id);
  if (state === 'expired' || state === 'cancelled' || state === 'superseded')
    return isWritten || times > 0 ? 'it was sent' : undefined;
  if (state === 'unknown') return histories.wasTried(id) ? undefined : 'it was never tried';
  if (!isWritten) return 'it was never written to the device';
  if (mode === 'once' && times > 1) return `it was done ${times} times`;
  if (state === 'rejected') return times > 0 ? 'it was done' : undefined;
  return isLibrary
    ? times === 1
      ? undefined
      : `it was done ${times} times`
    : times > 0
      ? undefined
      : 'it was never done';
}
