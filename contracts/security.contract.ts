import { action, contract } from './contract.ts';
import type { Page } from './devices.contract.ts';

export type DataKeyView = {
  id: number;
  /** `waiting`: it seals from `sealsFrom` on. `current`: it seals. `old`: what it sealed is being sealed anew, then it goes. */
  state: 'waiting' | 'current' | 'old';
  /** ISO 8601, UTC. */
  createdAt: string;
  sealsFrom: string;
  /** How many secrets are sealed with it. */
  secrets: number;
};

/** The keys that seal secrets in the database. For the organization that runs the system only. */
export const security = contract('security', {
  /** The newest first. */
  listDataKeys: action({}, { needs: 'system:read' }).returns<Page<DataKeyView>>(),
  /**
   * A new one, and everything is sealed anew with it, in the background. One that waits already is not made again. Rejects with `conflict` while
   * a node has another key of the system.
   */
  rotateDataKeys: action({}, { needs: 'system:write' }).returns<{ id: number; sealsFrom: string }>(),
});
