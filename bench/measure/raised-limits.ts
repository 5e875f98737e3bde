/** In a benchmark a few connections stand for many, so no device may be slowed for sending too fast. */
export const LIMITS_RAISED = {
  SKEIN_LIMIT_DEVICE_MESSAGES_PER_SECOND: '1000000',
  SKEIN_LIMIT_DEVICE_BURST_MESSAGES: '1000000',
} as const;
