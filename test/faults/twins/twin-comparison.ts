/** Holds what is stored of twins against what was acknowledged, and against what devices made of themselves. */
import type { Counted, Step } from './twin-account.ts';

/** Everything that is not as it should be, in words. */
export function compareTwins(twins: readonly Counted[]): string[] {
  return twins.flatMap(twin => faultsOf(twin).map(fault => `${twin.document} of ${twin.deviceId}: ${fault}`));
}

function faultsOf({ acknowledged, hasUnknown, stored, applied }: Counted): string[] {
  const { version, counter, steps, events } = stored;
  const faults: string[] = [];
  if (counter < acknowledged) faults.push(`${acknowledged} was acknowledged, ${counter} is stored`);
  if (counter > acknowledged + (hasUnknown ? 1 : 0)) faults.push(`${counter} is stored, and was never sent`);
  if (version !== counter) faults.push(`version ${version} after ${counter} changes`);
  if (!areWhole(steps, version)) faults.push(`its steps are not 1 to ${version}: ${told(steps)}`);
  if (!areWhole(events, version)) faults.push(`its events are not 1 to ${version}: ${told(events)}`);
  if (applied !== undefined && applied !== counter) faults.push(`${counter} is desired, the device applied ${applied}`);
  return faults;
}

const areWhole = (steps: readonly Step[], version: number): boolean =>
  steps.length === version && steps.every((step, i) => step.version === i + 1 && step.patch.counter === i + 1);

const SHOWN_STEPS = 10;
const told = (steps: readonly Step[]): string =>
  `${steps.length}, the last ${steps
    .slice(-SHOWN_STEPS)
    .map(it => `${it.version}: ${it.patch.counter}`)
    .join(', ')}`;
