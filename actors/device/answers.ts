/** What an actor says when it does not do what was asked, or when that is all. */
import type { Outcome } from '../../contracts/uplinks.ts';

export const INACTIVE = {
  state: 'rejected',
  reason: 'device_inactive',
  detail: 'The device is suspended or decommissioned',
} as const;
export const ENDED = { error: 'lifecycle_conflict', detail: 'The device is decommissioned' } as const;
export const answered = (answer: unknown): Outcome => ({ state: 'answered', answer });
export const NOT_OPEN = {
  reason: 'command_not_open',
  detail: 'It has ended, is of another device, or never was',
} as const;
