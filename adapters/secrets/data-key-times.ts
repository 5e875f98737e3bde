/** However they are configured, every node has read a new data key before it seals, and an old one stays while somebody may use it. */
import type { Limits } from '../../contracts/limits.ts';

export type DataKeyLimits = Pick<Limits, 'dataKeyReadSeconds' | 'dataKeyLeadSeconds' | 'dataKeyKeepSeconds'>;

/** How long a new data key waits: however it is configured, every node reads it in that time. */
export const leadSecondsOf = ({ dataKeyLeadSeconds, dataKeyReadSeconds }: DataKeyLimits): number =>
  Math.max(dataKeyLeadSeconds, 2 * dataKeyReadSeconds);
/** How long an old one stays. A node that has read none for half of it seals no more; the other half is for what it is just storing. */
export const keepSecondsOf = ({ dataKeyKeepSeconds, dataKeyReadSeconds }: DataKeyLimits): number =>
  Math.max(dataKeyKeepSeconds, 4 * dataKeyReadSeconds);
