import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import { ID, METADATA, NAME, PAGING, TAGS, text } from './resource-fields.ts';

/** How an asset does what a capability names. */
export type AssetCapabilities = {
  readonly [capability: string]: {
    readonly implementation: string;
    readonly configuration?: Readonly<Record<string, unknown>>;
  };
};

export type AssetView = {
  id: string;
  name: string;
  model: string | null;
  manufacturer: string | null;
  serialNumber: string | null;
  /** `YYYY-MM-DD`. */
  installDate: string | null;
  owner: string | null;
  locationId: string | null;
  deviceId: string | null;
  /** The asset that it is a part of. */
  parentId: string | null;
  capabilities: AssetCapabilities;
  metadata: Record<string, unknown>;
  tags: string[];
  /** Grows with every change; the ETag is `"<version>"`. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
};

const fields = {
  model: text(200),
  manufacturer: text(200),
  serialNumber: text(200),
  installDate: text(10),
  owner: text(200),
  locationId: text(1_000),
  deviceId: text(1_000),
  parentId: text(1_000),
  capabilities: typed<AssetCapabilities | undefined>({ type: 'object', optional: true }),
  metadata: METADATA,
  tags: TAGS,
} as const;

/** Things that are somewhere, belong to somebody, and may be what a device sits in. Who may see some devices only sees no asset of another. */
export const assets = contract('assets', {
  create: action({ id: ID, name: NAME, ...fields }, { needs: 'assets:write' }).returns<AssetView>(),
  get: action({ id: 'string' }, { needs: 'assets:read', of: 'devices' }).returns<AssetView>(),
  /** By id. */
  list: action(
    {
      ...PAGING,
      locationId: 'string|optional',
      deviceId: 'string|optional',
      parentId: 'string|optional',
      tag: 'string|optional',
    },
    { needs: 'assets:read', of: 'devices' },
  ).returns<Page<AssetView>>(),
  update: action(
    { id: 'string', version: 'number|optional', name: { ...NAME, optional: true }, ...fields },
    { needs: 'assets:write' },
  ).returns<AssetView>(),
  /** Refused with `conflict` while another asset is a part of it. */
  remove: action({ id: 'string', version: 'number|optional' }, { needs: 'assets:write' }).returns<AssetView>(),
});
