import type { CommandMode, CommandState, Priority } from './commands.ts';
import { action, contract, typed } from './contract.ts';
import type { JsonObject } from './json.ts';
import type { LeafTimes } from './twins.ts';

export type TwinView = {
  deviceId: string;
  reported: JsonObject;
  reportedVersion: number;
  desired: JsonObject;
  desiredVersion: number;
  /** What of `desired` the device does not report (yet): a merge patch that would make it so. */
  delta: JsonObject;
  timestamps: { reported: LeafTimes; desired: LeafTimes };
};

/** How the twin was, and what was asked of the device and had not ended. Times are ISO 8601, UTC. */
export type PastTwinView = TwinView & {
  at: string;
  /** The oldest first. Null: commands that were open then may be removed by now. */
  openCommands: PastCommandView[] | null;
};
export type PastCommandView = {
  id: string;
  command: string;
  /** As it was then, and how often it had been sent. */
  state: CommandState;
  attempt: number;
  createdAt: string;
  deadline: string;
  priority: Priority;
  mode: CommandMode;
};

export const twins = contract('twins', {
  /**
   * Of a device that has neither reported nor been asked anything: two empty documents of version 0. `at`: as it was then, milliseconds
   * since 1970; refused with `not_found` when the device did not exist yet, or nobody knows any more.
   */
  get: action({ id: 'string', at: 'number|optional' }, { needs: 'twins:read', device: 'twin:read', of: 'id' }).returns<
    TwinView | PastTwinView
  >(),
  /**
   * Merges `patch` (RFC 7396) into `desired`. `version`: refuse with `stale_version` unless it is that of `desired`. A patch that
   * changes nothing is no error and makes no new version, so the same may be sent again.
   */
  patchDesired: action(
    {
      id: 'string',
      patch: typed<JsonObject>({ type: 'object' }),
      version: 'number|optional',
    },
    { needs: 'twins:write', of: 'id' },
  ).returns<TwinView>(),
});
