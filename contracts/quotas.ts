/** How much one organization may have and do. Those that it has none of its own for are as usual: limits of the system (mixins/quotas.ts). */

/** What is counted and refused beyond it. */
export const COUNTED_QUOTAS = {
  devices: 'Devices that are not decommissioned',
  users: 'Users that are not erased, disabled ones too',
  apiKeys: 'API keys that are not revoked; one that is over counts until it is taken away, some minutes later',
} as const;
/** What is slowed beyond it, of all devices, users and keys of the organization together. */
export const RATE_QUOTAS = {
  messagesPerSecond: 'Messages from devices, each second',
  requestsPerSecond: 'Requests by REST, each second',
} as const;

export type CountedQuota = keyof typeof COUNTED_QUOTAS;
export type QuotaName = CountedQuota | keyof typeof RATE_QUOTAS;
/** The size of each. */
export type Quotas = Readonly<Record<QuotaName, number>>;

export const isCounted = (name: QuotaName): name is CountedQuota => Object.hasOwn(COUNTED_QUOTAS, name);

const LARGEST = 1_000_000_000_000;
/** None may be counted, but a rate of none would be a suspended organization. Null: as usual. */
const counted = { type: 'number', optional: true, nullable: true, integer: true, min: 0, max: LARGEST } as const;
const rate = { ...counted, min: 1 } as const;
/** For the rules of actions. */
export const QUOTA_RULES = {
  devices: counted,
  users: counted,
  apiKeys: counted,
  messagesPerSecond: rate,
  requestsPerSecond: rate,
} as const satisfies Record<QuotaName, unknown>;
