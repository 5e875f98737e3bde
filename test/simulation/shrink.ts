/** Makes a plan that fails smaller, as long as it fails in the same way: what is left is what it takes. */
import { type Noise, type Plan, QUIET } from './plan.ts';

const TRIALS_MAX = 500;

/** @param fails whether a plan still fails in the way that is looked for */
export async function shrink(plan: Plan, fails: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let smallest = plan;
  let trials = 0;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smallerThan(smallest)) {
      if (++trials > TRIALS_MAX) return smallest;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

/** The boldest first. */
function* smallerThan(plan: Plan): Generator<Plan> {
  for (let i = 0; i < plan.faults.length; i++) yield { ...plan, faults: plan.faults.toSpliced(i, 1) };
  for (let i = 0; i < plan.requests.length; i++) yield { ...plan, requests: plan.requests.toSpliced(i, 1) };
  for (const key of Object.keys(QUIET) as (keyof Noise)[])
    if (plan.noise[key] > 0) yield { ...plan, noise: { ...plan.noise, [key]: 0 } };
  for (const key of Object.keys(plan.limits) as (keyof Plan['limits'])[]) {
    const { [key]: _, ...limits } = plan.limits;
    yield { ...plan, limits };
  }
  for (let i = 0; i < plan.devices.length; i++) {
    const device = plan.devices[i]!;
    if (device.messages > 0) yield { ...plan, devices: plan.devices.with(i, { ...device, messages: 0 }) };
    if (device.takes !== null) yield { ...plan, devices: plan.devices.with(i, { ...device, takes: null }) };
    if (device.messages > 1)
      yield { ...plan, devices: plan.devices.with(i, { ...device, messages: device.messages >> 1 }) };
  }
  for (let i = 0; i < plan.faults.length; i++) {
    const fault = plan.faults[i]!;
    if ('forMs' in fault && fault.forMs > 50)
      yield { ...plan, faults: plan.faults.with(i, { ...fault, forMs: fault.forMs >> 1 }) };
  }
}
