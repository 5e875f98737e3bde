import { action, contract } from './contract.ts';
import type { Page } from './devices.contract.ts';

export const USER_STATES = ['active', 'disabled'] as const;

export type UserView = {
  id: string;
  /** In lower case. Null: erased. */
  email: string | null;
  name: string | null;
  /** Names of roles, built-in or made by the organization. */
  roles: string[];
  state: (typeof USER_STATES)[number] | 'erased';
  hasPassword: boolean;
  /** ISO 8601, UTC. */
  lastLoginAt: string | null;
  /** Grows with every change; the ETag is `"<version>"`. */
  version: number;
  createdAt: string;
  updatedAt: string;
};

const roles = { type: 'array', items: 'string', optional: true } as const;
const name = { type: 'string', optional: true, nullable: true, max: 200 } as const;

/** People. Who changes one must have all that this one's roles give. */
export const users = contract('users', {
  /** In the order in which they were made, without erased ones. */
  list: action(
    {
      limit: 'number|optional|integer',
      cursor: 'string|optional',
      state: { type: 'enum', values: USER_STATES, optional: true },
      email: 'string|optional',
    },
    { needs: 'users:read' },
  ).returns<Page<UserView>>(),
  /** Without a password nobody can log in with one until there is one. */
  create: action(
    { email: 'string', name, roles, password: 'string|optional' },
    { needs: 'users:write' },
  ).returns<UserView>(),
  get: action({ id: 'string' }, { needs: 'users:read' }).returns<UserView>(),
  /** A new password, and being disabled, end the user's logins. `password: null`: none. `totp: false` removes its second factor. */
  update: action(
    {
      id: 'string',
      version: 'number|optional',
      email: 'string|optional',
      name,
      roles,
      state: { type: 'enum', values: USER_STATES, optional: true },
      password: 'string|optional|nullable',
      totp: { type: 'enum', values: [false], optional: true },
    },
    { needs: 'users:write' },
  ).returns<UserView>(),
  /** All that is known of the person goes for ever; the id stays, because others name it. Again: the same answer. */
  erase: action({ id: 'string', version: 'number|optional' }, { needs: 'users:write' }).returns<UserView>(),
});
