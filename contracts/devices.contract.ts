import { action, contract, typed } from './contract.ts';

export const LIFECYCLE_STATES = ['registered', 'provisioned', 'active', 'suspended', 'decommissioned'] as const;
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

export type DeviceView = {
  id: string;
  name: string | null;
  type: string | null;
  state: LifecycleState;
  location: unknown;
  metadata: Record<string, unknown>;
  tags: string[];
  /** How many commands may be under way to it at once; null: as many as is usual. */
  commandWindow: number | null;
  /** Grows with every change; the ETag is `"<version>"`. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
};
export type DeviceFields = {
  name?: string | null;
  type?: string | null;
  location?: unknown;
  metadata?: Record<string, unknown>;
  tags?: string[];
  commandWindow?: number | null;
};
export type Page<T> = { items: T[]; nextCursor: string | null };

const fields = {
  name: { type: 'string', optional: true, nullable: true, max: 200 },
  type: { type: 'string', optional: true, nullable: true, max: 100 },
  location: 'any|optional',
  metadata: typed<Record<string, unknown> | undefined>({ type: 'object', optional: true }),
  tags: { type: 'array', optional: true, max: 50, items: 'string|max:100' },
  commandWindow: { type: 'number', optional: true, nullable: true, integer: true },
} as const;

/** The registry. The tenant is the principal's (`ctx.meta.principal`), never a parameter. */
export const devices = contract('devices', {
  register: action({ id: 'string|optional', ...fields }, { needs: 'devices:write' }).returns<{
    device: DeviceView;
    credentials: { apiKey: string };
  }>(),
  list: action(
    {
      limit: 'number|optional|integer',
      cursor: 'string|optional',
      type: 'string|optional',
      state: 'string|optional',
      tag: 'string|optional',
    },
    { needs: 'devices:read', of: 'devices' },
  ).returns<Page<DeviceView>>(),
  get: action({ id: 'string' }, { needs: 'devices:read', device: 'any', of: 'id' }).returns<DeviceView>(),
  /** `version`: refuse with `stale_version` unless it is the device's own. */
  update: action(
    { id: 'string', version: 'number|optional', ...fields },
    { needs: 'devices:write', of: 'id' },
  ).returns<DeviceView>(),
  /** Revokes its keys, closes its connections; what it stored stays. Again: the same answer. */
  decommission: action(
    { id: 'string', version: 'number|optional' },
    { needs: 'devices:lifecycle', of: 'id' },
  ).returns<DeviceView>(),
});
