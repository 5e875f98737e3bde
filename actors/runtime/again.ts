import type { Effects } from '../../contracts/store.ts';
import type { Uplink } from '../../contracts/uplinks.ts';

/**
 * The effects of a dead letter that is tried again: they name it, so that it counts as replayed in the transaction that stores it. Readings
 * without an id of their own get its id, so that two attempts which know nothing of each other store them once.
 */
export function effectsOf({ again }: Uplink, effects: Effects): Effects {
  if (again === undefined) return effects;
  const datapoints = effects.datapoints.map(it => (it.messageId === null ? { ...it, messageId: again } : it));
  return { ...effects, again, datapoints };
}
