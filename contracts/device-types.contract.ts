import type { CommandMode, Priority } from './commands.ts';
import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { JsonObject } from './json.ts';

/** What a type says of one of its commands. All of it is optional. */
export type CommandDescription = {
  readonly description?: string;
  /** A JSON Schema (2020-12) that the parameters must fit. Absent: any do. */
  readonly parameters?: JsonObject;
  /** What a command gets that says none itself. */
  readonly mode?: CommandMode;
  readonly priority?: Priority;
  readonly ttlMs?: number;
};
export type CommandDescriptions = { readonly [name: string]: CommandDescription };

export type DeviceTypeView = {
  name: string;
  description: string | null;
  /** Null: nothing is said, so any command may be sent. Otherwise only these. */
  commands: CommandDescriptions | null;
  /** Grows with every change; the ETag is `"<version>"`. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
};

/** Types of devices. A device names its type, whether or not the type is described here. */
export const deviceTypes = contract('device-types', {
  /**
   * Makes it, or replaces all that it says. Refused with `stale_version` unless `version` is the type's own, and unless `exists` says whether
   * there is one.
   */
  put: action(
    {
      name: 'string',
      version: 'number|optional',
      exists: 'boolean|optional',
      description: { type: 'string', optional: true, nullable: true, max: 2_000 },
      commands: typed<JsonObject | null | undefined>({ type: 'object', optional: true, nullable: true }),
    },
    { needs: 'device-types:write' },
  ).returns<{ type: DeviceTypeView; isNew: boolean }>(),
  get: action({ name: 'string' }, { needs: 'device-types:read', of: 'nothing' }).returns<DeviceTypeView>(),
  /** By name. */
  list: action(
    { limit: 'number|optional|integer', cursor: 'string|optional' },
    { needs: 'device-types:read', of: 'nothing' },
  ).returns<Page<DeviceTypeView>>(),
  /** Refused with `conflict` while a device that is not decommissioned has it. */
  remove: action(
    { name: 'string', version: 'number|optional' },
    { needs: 'device-types:write' },
  ).returns<DeviceTypeView>(),
});
