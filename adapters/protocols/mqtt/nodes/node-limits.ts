/** The limits of what nodes tell each other of their applications, and its times. */
import type { Limits } from '../../../../contracts/limits.ts';
import type { InterestLimits } from './interest.ts';
import type { StreamLimits } from './outgoing-stream.ts';

export type NodeLimits = StreamLimits & InterestLimits;

/** A node is many subscribers, so it may lag as far as a few of them together. */
const QUEUES_OF_A_NODE = 8;
/** One batch would wait for the answer to the one before it. */
const BATCHES_UNDER_WAY = 4;
/** More applications than that want different things: then comparing costs more than sending what nobody wants. */
const FILTERS_OF_A_TENANT = 64;
/** An interest of so many filters still fits into one message of a bus. */
const FILTERS_OF_ALL_TENANTS = 4_096;

export const nodeLimits = (limits: Limits): NodeLimits => ({
  queueMaxBytes: QUEUES_OF_A_NODE * limits.subscriberQueueMaxBytes,
  batchMaxMessages: limits.batchMaxMessages,
  batchMaxBytes: limits.batchMaxBytes,
  batchesUnderWay: BATCHES_UNDER_WAY,
  filtersMax: FILTERS_OF_A_TENANT,
  filtersTotalMax: FILTERS_OF_ALL_TENANTS,
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
