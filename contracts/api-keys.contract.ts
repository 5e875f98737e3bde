import { action, contract } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { Permission } from './permissions.ts';

export type ApiKeyView = {
  id: string;
  name: string;
  roles: string[];
  /** What it is limited to, of all that its roles give; null: nothing of it is taken away. */
  permissions: Permission[] | null;
  /** `user <id>` or `application <key id>`; null: Skein itself made it. */
  createdBy: string | null;
  /** ISO 8601, UTC. */
  createdAt: string;
  expiresAt: string | null;
  /** Some seconds late, and to the minute. */
  lastUsedAt: string | null;
  revokedAt: string | null;
};
export type NewApiKey = {
  apiKey: ApiKeyView;
  /** Shown this once. */
  key: string;
};

const name = { type: 'string', min: 1, max: 200 } as const;
/** One of both, or none: it does not end by itself. */
const ending = {
  expiresAt: 'string|optional',
  ttlSeconds: { type: 'number', optional: true, integer: true, min: 1 },
} as const;

/** API keys of programs. They belong to the organization, not to who made them. */
export const apiKeys = contract('api-keys', {
  /** By id; also those that were revoked not long ago. */
  list: action({ limit: 'number|optional|integer', cursor: 'string|optional' }, { needs: 'api-keys:read' }).returns<
    Page<ApiKeyView>
  >(),
  create: action(
    {
      name,
      roles: { type: 'array', items: 'string' },
      permissions: { type: 'array', items: 'string', optional: true, nullable: true },
      ...ending,
    },
    { needs: 'api-keys:write' },
  ).returns<NewApiKey>(),
  get: action({ id: 'string' }, { needs: 'api-keys:read' }).returns<ApiKeyView>(),
  rename: action({ id: 'string', name }, { needs: 'api-keys:write' }).returns<ApiKeyView>(),
  /** It no longer works, at once and for ever. Again: the same answer. */
  revoke: action({ id: 'string' }, { needs: 'api-keys:write' }).returns<ApiKeyView>(),
  /** Another key that may do the same and ends when it would have, unless said otherwise; the old one ends after `graceSeconds`. */
  rotate: action(
    { id: 'string', graceSeconds: { type: 'number', optional: true, integer: true, min: 0, max: 86_400 }, ...ending },
    { needs: 'api-keys:write' },
  ).returns<NewApiKey>(),
});
