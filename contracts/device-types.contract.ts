import type { CommandMode, Priority } from './commands.ts';
import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { JsonObject } from './json.ts';
import type { Treatment, Validation } from './validation.ts';

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

export const MEASUREMENT_TYPES = ['number', 'boolean', 'string', 'object'] as const;
/** What a type says of something that its devices measure. What is sent is held against it as far as `validation` says so. */
export type MeasurementDescription = {
  readonly type: (typeof MEASUREMENT_TYPES)[number];
  /** Any text; best a code of UCUM (`Cel`, `kW.h`, `%`). */
  readonly unit?: string;
  /** What is usual; of numbers only. Both bounds belong to it. */
  readonly min?: number;
  readonly max?: number;
  /** What happens to a number outside of them, if not what the type says for all. */
  readonly outOfRange?: Treatment;
  readonly description?: string;
};
export type MeasurementDescriptions = { readonly [name: string]: MeasurementDescription };

/** What a type says of a property of the twins of its devices: a name at the top of their documents. */
export type PropertyDescription = {
  /** A JSON Schema (2020-12) that what is desired must fit, when it is asked for by capability. Absent: anything does. */
  readonly schema?: JsonObject | boolean;
  /** False: devices only report it. */
  readonly writable?: boolean;
  readonly description?: string;
};
export type PropertyDescriptions = { readonly [name: string]: PropertyDescription };

/** What a capability is about. Absent: everything that the type describes of this kind. */
export type CapabilityDetail = {
  readonly properties?: readonly string[];
  readonly measurements?: readonly string[];
  readonly commands?: readonly string[];
};
export type CapabilityDetails = { readonly [capability: string]: CapabilityDetail };

export type DeviceTypeView = {
  name: string;
  description: string | null;
  /** Null: nothing is said, so any command may be sent. Otherwise only these. */
  commands: CommandDescriptions | null;
  /** Null: nothing is said. */
  measurements: MeasurementDescriptions | null;
  properties: PropertyDescriptions | null;
  /** What devices of this type can do. */
  capabilities: string[];
  capabilityDetails: CapabilityDetails | null;
  /** What happens to values that do not fit. Null: they are kept as they come. */
  validation: Validation | null;
  /** Grows with every change; the ETag is `"<version>"`. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
};

const described = typed<JsonObject | null | undefined>({ type: 'object', optional: true, nullable: true });

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
      commands: described,
      measurements: described,
      properties: described,
      capabilities: { type: 'array', optional: true, items: 'string' },
      capabilityDetails: described,
      validation: described,
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
