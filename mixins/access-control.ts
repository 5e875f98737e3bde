/**
 * Who may call which action: each says what it needs (`Access`, contracts/contract.ts), and this looks at every call, wherever it came from, so
 * that no handler can forget to. It refuses to load a service with an action that does not say.
 */
import type { ActionSchema, Context, Middleware, ServiceBroker } from 'moleculer';
import type { Database } from '../adapters/database/database.ts';
import type { DeviceLimit, DevicePrincipal, MemberPrincipal } from '../contracts/access.contract.ts';
import { isUuid } from '../contracts/addresses.ts';
import { audit, type RefusedAct } from '../contracts/audit.contract.ts';
import type { Access, Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { type Permission, SYSTEM_PERMISSIONS } from '../contracts/permissions.ts';
import { NO_LIMIT, nameOf, noteLimit } from './callers.ts';
import { unknownDevice } from './unknown-device.ts';

type Called = Context<Record<string, unknown>, Meta>;
type Handler = (ctx: Called) => Promise<unknown>;
/** Whether the device is there and fits the limit (JSON, as `device_fits` takes it). */
type Fits = (tenantId: number, device: string, limit: string) => Promise<boolean>;

/**
 * Must be called before any service is there. It goes around all that Moleculer does with an action itself, its cache included: else an answer
 * that is kept for one caller would be given to another one who may not have it.
 */
export function guard(broker: ServiceBroker, database: Database): void {
  broker.middlewares.add(accessControl(fitsIn(database)));
}

export const accessControl = (fits: Fits): Middleware => ({
  name: 'AccessControl',
  localAction: (next: Handler, action: ActionSchema): Handler => {
    const name = String(action.name);
    const { access } = action as { access?: Access };
    // Moleculer's own tell of nodes and services; nothing leads to them from outside.
    if (access === undefined && isMoleculers(action)) return next;
    if (access === undefined) throw new Error(`The action ${name} does not say who may call it`);
    return access.needs === 'anyone' || access.needs === 'inside' ? next : guarded(next, name, access, fits);
  },
});

const isMoleculers = ({ name }: ActionSchema): boolean => name?.startsWith('$node.') === true;

function guarded(next: Handler, action: string, access: Access, fits: Fits): Handler {
  const needed = typeof access.needs === 'string' ? [access.needs] : access.needs;
  const isOfSystem = needed.every(it => SYSTEM_PERMISSIONS.has(it));
  return ctx => {
    const { principal } = ctx.meta;
    if (principal === undefined) return Promise.reject(new SkeinError('unauthorized', 'A key is needed'));
    if (principal.kind === 'device') {
      const refusal = refusalOfDevice(principal, access, ctx.params);
      return refusal === undefined ? next(ctx) : refuse(ctx, action, refusal);
    }
    if (access.needs === 'signed-in') return next(ctx);
    if (access.needs === 'nobody') return Promise.reject(new SkeinError('forbidden', 'Only a device may do this'));
    const limit = limitFor(principal, needed as Permission[]);
    if (limit === undefined) return refuse(ctx, action, lacks(needed));
    if (isOfSystem && !principal.isOperator) return refuse(ctx, action, operatorOnly());
    if (limit === null || access.of === 'nothing') return next(ctx);
    if (access.of === undefined) return refuse(ctx, action, tooNarrow());
    return limited(next, ctx, principal, access.of, limit, fits);
  };
}

/** Whoever asks for what it may not have is written down. */
function refuse(ctx: Called, action: string, error: SkeinError): Promise<never> {
  const { principal, address = null } = ctx.meta;
  const refused = {
    tenantId: principal!.tenantId,
    actor: nameOf(principal!),
    act: 'access.refused',
    target: action,
    address,
  };
  ctx.broker.emit(audit.refused.name, refused satisfies RefusedAct);
  return Promise.reject(error);
}

function refusalOfDevice(
  principal: DevicePrincipal,
  access: Access,
  params: Record<string, unknown>,
): SkeinError | undefined {
  const { device: scope, of } = access;
  if (scope === undefined) return new SkeinError('forbidden', 'A device may not do this');
  if (scope !== 'any' && principal.scopes?.includes(scope) === false)
    return new SkeinError('forbidden', `The credential of the device lacks the scope ${scope}`);
  // The same answer whether or not the other device exists, so a device learns nothing of its neighbours.
  if (of !== undefined && of !== 'devices' && of !== 'nothing' && params[of] !== principal.device)
    return new SkeinError('forbidden', 'A device may see its own only');
  return undefined;
}

/** For a role that is limited to some devices. */
async function limited(
  next: Handler,
  ctx: Called,
  principal: MemberPrincipal,
  of: string,
  limit: string,
  fits: Fits,
): Promise<unknown> {
  if (of !== 'devices') {
    const id = ctx.params[of];
    if (typeof id !== 'string' || !(await fits(principal.tenantId, id, limit))) throw unknownDevice(String(id));
    return next(ctx);
  }
  const note = noteLimit(ctx, limit);
  const answer = await next(ctx);
  if (!note.wasRead) throw new Error('An action about several devices did not look at the limit of its caller');
  return answer;
}

/** Undefined: none of its roles has any of them. Null: one that has it is for all devices. Else the limits of all that have it, as JSON. */
export function limitFor({ grants, id }: MemberPrincipal, needed: readonly Permission[]): string | null | undefined {
  const having = grants.filter(({ permissions }) => needed.some(it => permissions.includes(it)));
  if (having.length === 0) return undefined;
  if (having.some(({ limit }) => limit === null)) return NO_LIMIT;
  return limitJson(
    having.map(({ limit }) => limit!),
    id,
  );
}

/** A device fits when it fits one of them. As the function `device_fits` of the database takes it. */
const limitJson = (limits: readonly DeviceLimit[], userId: string): string =>
  JSON.stringify({
    types: limits.flatMap(it => it.types ?? []),
    tags: limits.flatMap(it => it.tags ?? []),
    groups: limits.flatMap(it => it.groups ?? []),
    // Only users claim devices.
    ...(limits.some(it => it.claimed) && isUuid(userId) && { claimedBy: userId }),
  });

const operatorOnly = () => new SkeinError('forbidden', 'Only the organization that runs the system may do this');
const tooNarrow = () =>
  new SkeinError('forbidden', 'This is about all devices, and the role is limited to some of them');
const lacks = (needed: readonly string[]): SkeinError =>
  new SkeinError('forbidden', `This needs the permission ${needed.join(' or ')}`, { permissions: needed });

const fitsIn =
  (database: Database): Fits =>
  async (tenantId, device, limit) => {
    if (device.includes('\0') || !device.isWellFormed()) return false;
    const rows = await database.query(
      'SELECT FROM device d WHERE tenant_id = $1 AND device_id = $2 AND device_fits(d, $3::text::jsonb)',
      [tenantId, device, limit],
    );
    return rows.length > 0;
  };
