/** Why something does not happen to a device that is there. */
import type { DeviceView, LifecycleState } from '../../contracts/devices.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';

export const invalidId = ({ deviceIdMaxLength }: Limits): SkeinError =>
  new SkeinError(
    'invalid_request',
    `id must be 1 to ${deviceIdMaxLength} letters, digits or . _ : @ -, and begin with a letter or digit`,
  );

export const unchangeable = (device: DeviceView): SkeinError =>
  device.state === 'decommissioned'
    ? new SkeinError('lifecycle_conflict', 'A decommissioned device can not be changed')
    : new SkeinError('stale_version', `The device has version ${device.version}`, { version: device.version });

export const notToProvision = (state: LifecycleState): SkeinError =>
  new SkeinError('lifecycle_conflict', `A device that is ${state} can not be provisioned`, { state });

export const notErasable = (state: LifecycleState): SkeinError =>
  new SkeinError(
    'lifecycle_conflict',
    `Only a decommissioned device is erased, and this one is ${state}: send {"decommission": true} to do both`,
    { state },
  );
