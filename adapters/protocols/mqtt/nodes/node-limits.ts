/** The limits of what nodes tell each other of their applications, and its times. */
import type { Limits } from '../../../../contracts/limits.ts';
import type { InterestLimits } from './interest.ts';
import type { StreamLimits } from './outgoing-stream.ts';

export type NodeLimits = StreamLimits & InterestLimits;

export const nodeLimits = (limits: Limits): NodeLimits => ({
  queueMaxBytes: limits.forwardQueueMaxBytes,
  batchMaxMessages: limits.batchMaxMessages,
  batchMaxBytes: limits.batchMaxBytes,
  batchesUnderWay: limits.forwardBatchesUnderWay,
  filtersMax: limits.interestFiltersPerTenant,
  filtersTotalMax: limits.interestFilters,
});

/** How often nodes greet each other when there is nothing to say. */
export const BEAT_MS = 2_000;
/** One that is not heard of for so long is forgotten. */
export const SILENCE_MS = 3 * BEAT_MS + BEAT_MS / 2;
/** A SUBACK waits at most this long for the nodes that answer. */
export const TELL_MS = 1_000;
/** Subscriptions that come at the same time are told together. */
export const GATHER_MS = 5;
/** At the end: until what is under way has arrived. */
export const FAREWELL_MS = 2_000;
