import { action, contract } from './contract.ts';
import type { Page } from './devices.contract.ts';
import { PAGING, text } from './resource-fields.ts';

export type StoragePolicyView = {
  name: string;
  description: string | null;
  /** For devices of this type only, and this measurement only; null: all. */
  deviceType: string | null;
  measurement: string | null;
  /** After so many days, what happens; null: never. */
  archiveAfterDays: number | null;
  dropAfterDays: number | null;
  rollupsKeepDays: number | null;
  /** Grows with every change; the ETag is `"<version>"`. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
};
/** What would be moved. */
export type StoragePreview = {
  datapoints: number;
  /** Of the oldest and the newest of them: ISO 8601, UTC. */
  from: string | null;
  to: string | null;
};

const DAYS = { type: 'number', optional: true, nullable: true, integer: true, min: 1, max: 36_500 } as const;
const scope = { deviceType: text(1_000), measurement: text(1_000) } as const;

/**
 * How long telemetry stays where: as rows, as files of the archive, as rollups. Of several policies that fit, the one that says most counts, as a
 * whole: type and measurement, measurement, type, neither.
 */
export const storagePolicies = contract('storage-policies', {
  /** By name. */
  list: action(PAGING, { needs: 'storage:read', of: 'nothing' }).returns<Page<StoragePolicyView>>(),
  get: action({ name: 'string' }, { needs: 'storage:read', of: 'nothing' }).returns<StoragePolicyView>(),
  /** Makes it, or replaces all that it says. Refused with `conflict` when another one has the same type and measurement. */
  put: action(
    {
      name: 'string',
      version: 'number|optional',
      exists: 'boolean|optional',
      description: text(2_000),
      ...scope,
      archiveAfterDays: DAYS,
      dropAfterDays: DAYS,
      rollupsKeepDays: DAYS,
    },
    { needs: 'storage:write' },
  ).returns<{ policy: StoragePolicyView; isNew: boolean }>(),
  remove: action(
    { name: 'string', version: 'number|optional' },
    { needs: 'storage:write' },
  ).returns<StoragePolicyView>(),
  /** What such a policy would move now, if it were there; nothing is changed. Counted up to a limit: then `isComplete` is false. */
  preview: action({ ...scope, archiveAfterDays: DAYS, dropAfterDays: DAYS }, { needs: 'storage:read' }).returns<{
    archive: StoragePreview;
    drop: StoragePreview;
    isComplete: boolean;
  }>(),
});
