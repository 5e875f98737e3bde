import type { NewCertificate } from './certificates.contract.ts';
import { action, contract, typed } from './contract.ts';

export const LIFECYCLE_STATES = ['registered', 'provisioned', 'active', 'suspended', 'decommissioned'] as const;
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

/** To which states a device may be taken. A suspended one goes back where it came from, or becomes active: `nextStates`. */
export const TRANSITIONS: { readonly [from in LifecycleState]: readonly LifecycleState[] } = {
  registered: ['provisioned', 'active', 'suspended', 'decommissioned'],
  provisioned: ['active', 'suspended', 'decommissioned'],
  active: ['suspended', 'decommissioned'],
  suspended: ['active', 'decommissioned'],
  decommissioned: [],
};

/** @param suspendedFrom of a suspended device: the state that it had before */
export const nextStates = (from: LifecycleState, suspendedFrom: LifecycleState | null): readonly LifecycleState[] =>
  from === 'suspended' && suspendedFrom !== null && suspendedFrom !== 'active'
    ? [suspendedFrom, ...TRANSITIONS.suspended]
    : TRANSITIONS[from];

export type DeviceView = {
  id: string;
  name: string | null;
  type: string | null;
  state: LifecycleState;
  /** What was said when it came to its state. */
  stateReason: string | null;
  stateChangedAt: string;
  location: unknown;
  metadata: Record<string, unknown>;
  tags: string[];
  /** What it can do, by name. */
  capabilities: string[];
  /** How many commands may be under way to it at once; null: as many as is usual. */
  commandWindow: number | null;
  /** The user who has claimed it. */
  claimedBy: string | null;
  /** When the last of what was stored of it was erased. */
  erasedAt: string | null;
  /** Null: nobody has asked for it. */
  erasure: ErasureView | null;
  /** Grows with every change; the ETag is `"<version>"`. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
};
export type ErasureView = { state: 'running' | 'done'; startedAt: string; doneAt: string | null };
export type DeviceFields = {
  name?: string | null;
  type?: string | null;
  location?: unknown;
  metadata?: Record<string, unknown>;
  tags?: string[];
  capabilities?: string[];
  commandWindow?: number | null;
};
export type LifecycleStep = {
  from: LifecycleState | null;
  to: LifecycleState;
  reason: string | null;
  /** `user 0193...`, `application 8fK...`, `device press-4`, `system`. */
  changedBy: string;
  at: string;
};
/** Shown once. */
export type NewCredentials = { apiKey: string; token: string };
export type DeviceConfiguration = {
  mqttBroker: string;
  httpUrl: string;
  reportingIntervalSeconds: number;
  topics: { telemetry: string; state: string; commands: string; commandAnswers: string; desired: string };
};
export type Provisioned = {
  deviceId: string;
  status: LifecycleState;
  configuration: DeviceConfiguration;
  credentials: NewCredentials & { certificate?: NewCertificate };
};
export type Page<T> = { items: T[]; nextCursor: string | null };

const fields = {
  name: { type: 'string', optional: true, nullable: true, max: 200 },
  type: { type: 'string', optional: true, nullable: true, max: 100 },
  location: 'any|optional',
  metadata: typed<Record<string, unknown> | undefined>({ type: 'object', optional: true }),
  tags: { type: 'array', optional: true, max: 50, items: 'string|max:100' },
  capabilities: { type: 'array', optional: true, max: 50, items: 'string|min:1|max:100' },
  commandWindow: { type: 'number', optional: true, nullable: true, integer: true },
} as const;

/** The registry. The tenant is the principal's (`ctx.meta.principal`), never a parameter. */
export const devices = contract('devices', {
  register: action({ id: 'string|optional', ...fields }, { needs: 'devices:write' }).returns<{
    device: DeviceView;
    credentials: NewCredentials;
  }>(),
  /** `claimed`: `true`, `false`, or `me` for those of the calling user. */
  list: action(
    {
      limit: 'number|optional|integer',
      cursor: 'string|optional',
      type: 'string|optional',
      state: 'string|optional',
      tag: 'string|optional',
      group: 'string|optional',
      claimed: { type: 'enum', values: ['true', 'false', 'me'], optional: true },
    },
    { needs: 'devices:read', of: 'devices' },
  ).returns<Page<DeviceView>>(),
  get: action({ id: 'string' }, { needs: 'devices:read', device: 'any', of: 'id' }).returns<DeviceView>(),
  /** `version`: refuse with `stale_version` unless it is the device's own. */
  update: action(
    { id: 'string', version: 'number|optional', ...fields },
    { needs: 'devices:write', of: 'id' },
  ).returns<DeviceView>(),
  /** To another state. To the one that it has: nothing happens, and that is no error. Rejects with `lifecycle_conflict`. */
  changeState: action(
    {
      id: 'string',
      state: { type: 'enum', values: LIFECYCLE_STATES },
      reason: 'string|optional|max:500',
      version: 'number|optional',
    },
    { needs: 'devices:lifecycle', of: 'id' },
  ).returns<DeviceView>(),
  /** How it came to its state, the newest step first. */
  history: action(
    { id: 'string', limit: 'number|optional|integer', cursor: 'string|optional' },
    { needs: 'devices:read', of: 'id' },
  ).returns<Page<LifecycleStep>>(),
  /** Revokes its keys, tokens and certificates, closes its connections; what it stored stays. Again: the same answer. */
  decommission: action(
    { id: 'string', version: 'number|optional' },
    { needs: 'devices:lifecycle', of: 'id' },
  ).returns<DeviceView>(),
  /**
   * Gives it a new key and a new token, which replace those of the time before, a certificate (for the `csr`, or with a key that is made here;
   * none with `certificate: false`), and tells what it has to know.
   */
  provision: action(
    { id: 'string', certificate: 'boolean|optional', csr: 'string|optional|max:65536' },
    { needs: 'devices:credentials', of: 'id' },
  ).returns<Provisioned>(),
  /**
   * Erases what is stored of a decommissioned device, for ever; with `decommission` of any. It goes on behind the answer: `erasure` of the
   * device tells how far. Again: the same answer.
   */
  erase: action(
    { id: 'string', decommission: 'boolean|optional' },
    { needs: 'devices:erase', of: 'id' },
  ).returns<DeviceView>(),
});
