import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import { ID, METADATA, NAME, PAGING, TAGS, text } from './resource-fields.ts';

/** In degrees, WGS 84. */
export type Coordinates = { readonly latitude: number; readonly longitude: number };

export type LocationView = {
  id: string;
  name: string;
  /** Whatever the tenant says: `site`, `building`, `floor`, `room`. */
  kind: string | null;
  /** The location that it is in. */
  parentId: string | null;
  coordinates: Coordinates | null;
  address: string | null;
  metadata: Record<string, unknown>;
  tags: string[];
  /** Grows with every change; the ETag is `"<version>"`. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
};

const fields = {
  kind: text(50),
  parentId: text(1_000),
  coordinates: typed<Coordinates | null | undefined>({
    type: 'object',
    optional: true,
    nullable: true,
    strict: true,
    props: {
      latitude: { type: 'number', min: -90, max: 90 },
      longitude: { type: 'number', min: -180, max: 180 },
    },
  }),
  address: text(500),
  metadata: METADATA,
  tags: TAGS,
} as const;

/** Places, one inside of another. */
export const locations = contract('locations', {
  create: action({ id: ID, name: NAME, ...fields }, { needs: 'assets:write' }).returns<LocationView>(),
  get: action({ id: 'string' }, { needs: 'assets:read', of: 'nothing' }).returns<LocationView>(),
  /** By id. */
  list: action(
    { ...PAGING, parentId: 'string|optional', kind: 'string|optional', tag: 'string|optional' },
    { needs: 'assets:read', of: 'nothing' },
  ).returns<Page<LocationView>>(),
  update: action(
    { id: 'string', version: 'number|optional', name: { ...NAME, optional: true }, ...fields },
    { needs: 'assets:write' },
  ).returns<LocationView>(),
  /** Refused with `conflict` while a location, an asset or a device is in it. */
  remove: action({ id: 'string', version: 'number|optional' }, { needs: 'assets:write' }).returns<LocationView>(),
  /** Those that say `{"locationId": id}` as their location, and those of the assets there. By id. */
  devices: action({ id: 'string', ...PAGING }, { needs: 'assets:read', of: 'devices' }).returns<
    Page<{ deviceId: string }>
  >(),
});
