import { SkeinError } from '../contracts/errors.ts';

/** The answer to an id that no device of the caller's tenant has, or can have: it may be of any length. */
export const unknownDevice = (id: string): SkeinError =>
  new SkeinError('not_found', `There is no device "${id.slice(0, 100)}"`);
