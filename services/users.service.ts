/** Users of an organization. The tenant is the caller's. Nobody makes or changes one that has more than the caller itself. */
import type { ServiceSchema } from 'moleculer';
import { uuidv7 } from 'uuidv7';
import { hashPassword } from '../adapters/access/passwords.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { users } from '../contracts/users.contract.ts';
import { audited } from '../mixins/audit.ts';
import { checkText } from '../mixins/bounded-json.ts';
import { memberOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, UUID_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { grantsOfNamed, refuseMoreThanOwn, roleNames } from '../mixins/giving.ts';
import { once } from '../mixins/idempotency.ts';
import { insertUser, type UserRow, userView } from '../mixins/new-user.ts';
import { announceRevoked } from '../mixins/revocations.ts';
import { checkPassword, emailOf } from '../mixins/user-fields.ts';
import type { Node } from './node.ts';
import { changeUser, endUser } from './users/changing.ts';
import { listUsers, readUser } from './users/user-rows.ts';

type Called = { readonly meta: Meta; readonly params: { readonly id: string } };

export function usersService({
  config,
  database,
  sealer,
}: Pick<Node, 'config' | 'database' | 'sealer'>): ServiceSchema {
  const { limits } = config;
  const { idempotencyKeepHours, memberMaxRoles } = limits;

  /** Of the caller's tenant. Rejects with `not_found`. */
  const find = async (ctx: Called): Promise<UserRow> => {
    const { tenantId } = memberOf(ctx);
    const row = await readUser(database, { tenantId, id: ctx.params.id });
    if (row === undefined) throw unknownUser(ctx.params.id);
    return row;
  };

  return implement(
    users,
    {
      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor, state, email } = ctx.params;
        const filter = { state, email: email === undefined ? undefined : emailOf(email) };
        const list = ['users', tenantId, filter.state, filter.email];
        const size = pageSize(limit, limits);
        const [after] = positionOf<[string]>(list, cursor, UUID_POSITION) ?? [];
        const rows = await listUsers(database, tenantId, filter, after, size + 1);
        return pageOf(list, rows, size, userView, row => [row.user_id]);
      },

      async create(ctx) {
        const caller = memberOf(ctx);
        const { tenantId } = caller;
        const { password, ...said } = ctx.params;
        const email = emailOf(said.email);
        const name = said.name ?? null;
        if (name !== null) checkText('name', name);
        const roles = roleNames(said.roles ?? [], memberMaxRoles);
        const passwordHash = password === undefined ? null : await hashed(password, tenantId);
        // The password itself is not in it: what is kept of a request is a fast hash, from which it could be guessed.
        const request = ['users.create', { ...said, password: password !== undefined }];
        return once({ database, sealer, idempotencyKeepHours }, ctx, request, async tx => {
          refuseMoreThanOwn(caller, await grantsOfNamed(tx, tenantId, roles), 'The user');
          const row = await insertUser(tx, limits, { tenantId, id: uuidv7() }, { email, name, roles, passwordHash });
          await audited(tx, ctx, 'user.created', `user ${row.user_id}`, { roles });
          return userView(row);
        });
      },

      async get(ctx) {
        return userView(await find(ctx));
      },

      async update(ctx) {
        await find(ctx);
        const { id, version, password, email, name, roles, state, totp } = ctx.params;
        if (name) checkText('name', name);
        const changes = {
          email: email === undefined ? undefined : emailOf(email),
          name,
          roles: roles === undefined ? undefined : roleNames(roles, memberMaxRoles),
          state,
          totp,
          passwordHash: typeof password === 'string' ? await hashed(password, memberOf(ctx).tenantId) : password,
        };
        const { row, revoked } = await database.transaction(tx => changeUser(tx, ctx, { id, version }, changes));
        announceRevoked(ctx.broker, revoked);
        return userView(row);
      },

      async erase(ctx) {
        const { id, version } = ctx.params;
        const { row, revoked } = await database.transaction(tx => endUser(tx, ctx, { id, version }));
        announceRevoked(ctx.broker, revoked);
        return userView(row);
      },
    },
    databaseErrors,
  );
}

function hashed(password: string, tenantId: number): Promise<string> {
  checkPassword(password);
  return hashPassword(password, `tenant ${tenantId}`);
}

const unknownUser = (id: string): SkeinError => new SkeinError('not_found', `There is no user "${id.slice(0, 100)}"`);
