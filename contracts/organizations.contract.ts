import { action, contract } from './contract.ts';
import type { Page } from './devices.contract.ts';
import { type CountedQuota, QUOTA_RULES, type QuotaName, type Quotas } from './quotas.ts';
import type { UserView } from './users.contract.ts';

export const ORGANIZATION_STATES = ['active', 'suspended'] as const;
export type OrganizationState = (typeof ORGANIZATION_STATES)[number];

/** Inside it is called tenant. */
export type OrganizationView = {
  slug: string;
  name: string | null;
  state: OrganizationState;
  /** The one that runs the system. */
  isOperator: boolean;
  /** Those that count, its own or the usual ones. */
  quotas: Quotas;
  /** Grows with every change; the ETag is `"<version>"`. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
};
export type OrganizationUsage = {
  slug: string;
  quotas: { [name in QuotaName]: name extends CountedQuota ? { size: number; used: number } : { size: number } };
};

const quotas = { type: 'object', optional: true, strict: true, props: QUOTA_RULES } as const;
const name = { type: 'string', optional: true, nullable: true, max: 200 } as const;

/** Organizations. Everybody has its own; the one that runs the system sees and makes the others. Another one looks like none. */
export const organizations = contract('organizations', {
  /** By slug. */
  list: action(
    { limit: 'number|optional|integer', cursor: 'string|optional' },
    { needs: 'organizations:read' },
  ).returns<Page<OrganizationView>>(),
  /** With the key of its first administrator, and a user for that one when `admin` says who it is. */
  create: action(
    {
      slug: 'string',
      name,
      quotas,
      admin: {
        type: 'object',
        optional: true,
        strict: true,
        props: {
          email: 'string',
          name: { type: 'string', optional: true, nullable: true, max: 200 },
          password: 'string|optional',
        },
      },
    },
    { needs: 'organizations:write' },
  ).returns<{ organization: OrganizationView; credentials: { apiKey: string }; user?: UserView }>(),
  get: action({ slug: 'string' }, { needs: 'organizations:read' }).returns<OrganizationView>(),
  /** Quotas and state are the operator's to change. A quota of null is as usual again. */
  update: action(
    {
      slug: 'string',
      version: 'number|optional',
      name,
      quotas,
      state: { type: 'enum', values: ORGANIZATION_STATES, optional: true },
    },
    { needs: 'organizations:write' },
  ).returns<OrganizationView>(),
  usage: action({ slug: 'string' }, { needs: 'organizations:read' }).returns<OrganizationUsage>(),
});
