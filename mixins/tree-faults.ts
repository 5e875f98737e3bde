import type { TreeFault } from '../adapters/moleculer-db/tree.ts';
import { SkeinError } from '../contracts/errors.ts';

/** Throws what a caller did wrong who put something into `parentId`. */
export function refuseFault(fault: TreeFault | undefined, parentId: string, maxLevels: number): void {
  if (fault === undefined) return;
  const said: Record<TreeFault, string> = {
    unknown_parent: `there is no "${parentId.slice(0, 100)}"`,
    cycle: 'it would be inside of itself',
    too_deep: `more than ${maxLevels} would be inside of each other`,
  };
  throw new SkeinError('invalid_request', `parentId: ${said[fault]}`);
}
