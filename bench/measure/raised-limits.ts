/** In a benchmark a few connections stand for many, so no device may be slowed for sending too fast. */
export const LIMITS_RAISED = {
  SKEIN_LIMIT_DEVICE_MESSAGES_PER_SECOND: '1000000',
  SKEIN_LIMIT_DEVICE_BURST_MESSAGES: '1000000',
} as const;

/** The same for callers: one key stands for all, and what a second may carry is what is measured. */
export const COMMAND_LIMITS_RAISED = {
  ...LIMITS_RAISED,
  SKEIN_LIMIT_KEY_REQUESTS_PER_SECOND: '1000000',
  SKEIN_LIMIT_KEY_BURST_REQUESTS: '1000000',
  SKEIN_LIMIT_TENANT_REQUESTS_PER_SECOND: '1000000',
  SKEIN_LIMIT_COMMANDS_PER_SECOND: '1000000',
} as const;

/** Actors of the devices that are not measured just now stay in memory all the same. */
export const TWIN_LIMITS_RAISED = { ...LIMITS_RAISED, SKEIN_LIMIT_ACTOR_IDLE_SECONDS: '86400' } as const;
