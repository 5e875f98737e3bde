/** Which commands wait for each device, and in which order it must get them. */
import type { Priority } from '../../../contracts/commands.ts';
import { PRIORITIES } from '../../../contracts/commands.ts';

/** Of the oldest to the newest. None is in its place, so neither the order of age alone nor that of priorities by chance is right. */
const MIXED: readonly Priority[] = [
  ...(['low', 'normal', 'critical', 'high', 'normal'] as const),
  ...(['low', 'high', 'critical', 'normal', 'low'] as const),
];

/** `rank`: how many of the others a device gets before this one. It is a parameter of the command, so the device can look. */
export type PlannedCommand = { readonly priority: Priority; readonly rank: number };

/** In the order in which they are to be queued. */
export function planCommands(count: number): PlannedCommand[] {
  const planned = Array.from({ length: count }, (_, age) => ({ age, priority: MIXED[age % MIXED.length]! }));
  const urgency = ({ priority }: { priority: Priority }) => PRIORITIES.indexOf(priority);
  const order = planned.toSorted((a, b) => urgency(a) - urgency(b) || a.age - b.age);
  return planned.map(it => ({ priority: it.priority, rank: order.indexOf(it) }));
}
