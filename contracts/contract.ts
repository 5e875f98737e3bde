/**
 * The typed way for services to speak to each other: one value names the actions and events of a service, the rules that
 * Moleculer's validator checks at run time, and (by inference from those rules) the types that callers and handlers see.
 * A missing handler, a wrong result or a misspelt action does not compile.
 */
import type { CallingOptions, Context, Service, ServiceSchema } from 'moleculer';
import type { ClientCertificate, Principal } from './access.contract.ts';
import type { DeviceScope, Permission } from './permissions.ts';

/** A rule of fastest-validator: the shorthand (`'string|optional'`) or the object form. */
export type Rule = string | RuleObject;
export type RuleObject = {
  readonly type: string;
  readonly optional?: boolean;
  readonly nullable?: boolean;
  readonly items?: Rule;
  readonly props?: Rules;
  readonly values?: readonly unknown[];
  readonly [option: string]: unknown;
};
export type Rules = { readonly [param: string]: Rule };

declare const carried: unique symbol;
/**
 * A rule whose TypeScript type is told instead of inferred, for shapes that the rules can't say. A type with `undefined` in it
 * makes the parameter optional, and the rule must say `optional: true` as well. (The type travels inside a tuple, because
 * TypeScript takes `undefined` away from the type of an optional property.)
 */
export type Typed<T> = RuleObject & { readonly [carried]?: readonly [T] };
export const typed = <T>(rule: RuleObject): Typed<T> => rule;

type Head<S extends string> = S extends `${infer H}|${string}` ? H : S;
type Named = {
  string: string;
  email: string;
  uuid: string;
  number: number;
  boolean: boolean;
  array: unknown[];
  object: Record<string, unknown>;
  any: unknown;
};
type OfName<S extends string> = Head<S> extends keyof Named ? Named[Head<S>] : unknown;
type Told<R> = R extends { readonly [carried]?: readonly [infer T] } ? T : unknown;
type OfRule<R> = (unknown extends Told<R> ? OfPlainRule<R> : Exclude<Told<R>, undefined>) | NullOf<R>;
type NullOf<R> = R extends `${string}|nullable${string}` | { readonly nullable: true } ? null : never;
type OfPlainRule<R> = R extends string
  ? OfName<R>
  : R extends { readonly type: 'enum'; readonly values: readonly (infer V)[] }
    ? V
    : R extends { readonly type: 'array'; readonly items: infer I }
      ? OfRule<I>[]
      : R extends { readonly type: 'object'; readonly props: infer P extends Rules }
        ? ParamsOf<P>
        : R extends { readonly type: infer S extends string }
          ? OfName<S>
          : unknown;
type IsOptional<R> = R extends `${string}|optional${string}` | { readonly optional: true }
  ? true
  : unknown extends Told<R>
    ? false
    : undefined extends Told<R>
      ? true
      : false;
type OptionalKeys<P extends Rules> = { [K in keyof P]: IsOptional<P[K]> extends true ? K : never }[keyof P];
/** The type of the parameters that a set of rules lets through. */
export type ParamsOf<P extends Rules> = { [K in Exclude<keyof P, OptionalKeys<P>>]: OfRule<P[K]> } & {
  [K in OptionalKeys<P>]?: OfRule<P[K]>;
};

/**
 * Who may call an action. A device may with one of its own credentials when `device` says so, and only about itself.
 *
 * - `needs`: the permission of people and programs, or one of several. `anyone`: also who did not say who it is. `signed-in`: every person and
 *   program. `inside`: other parts of the system only; there is no path to it. `nobody`: only devices.
 * - `device`: the scope that a device's credential needs. `any`: each of them. Absent: no device may.
 * - `of`: what it is about. The name of a parameter: the device with this id, which the caller must be able to see; somebody else's looks like
 *   one that is not there. `devices`: several, of which the handler shows only those that `limitsOf(ctx)` (mixins/callers.ts) lets through.
 *   `nothing`: no device, so a role that is limited to some devices is as good as one that is not. Absent: the tenant as a whole, for which a
 *   limited role is not enough.
 */
export type Access = {
  readonly needs: Permission | readonly Permission[] | 'anyone' | 'signed-in' | 'inside' | 'nobody';
  readonly device?: DeviceScope | 'any';
  readonly of?: string;
};

export type Action<P = unknown, R = unknown> = {
  readonly kind: 'action';
  readonly name: string;
  readonly rules: Rules;
  readonly access: Access;
} & {
  readonly [carried]?: (params: P) => R;
};
export type Event<P = unknown> = { readonly kind: 'event'; readonly name: string } & {
  readonly [carried]?: (payload: P) => void;
};
type Definition = Action<never, unknown> | Event<never>;
export type Definitions = { readonly [name: string]: Definition };
export type Contract<D extends Definitions = Definitions> = { readonly service: string } & D;

/** An action: `action({ id: 'string' }, { needs: 'devices:read', of: 'id' }).returns<DeviceView>()`. Unknown parameters are refused. */
export const action = <const P extends Rules>(rules: P, access: Access) => ({
  returns: <R>(): Action<ParamsOf<P>, R> => ({ kind: 'action', name: '', rules, access }),
});

/** An event: `event<{ id: string }>()`. At most once, so nothing that must survive travels by it. */
export const event = <P>(): Event<P> => ({ kind: 'event', name: '' });

/** Names a service and all that it answers and says. */
export function contract<const D extends Definitions>(service: string, definitions: D): Contract<D> {
  const named = Object.entries(definitions).map(([name, it]) => [name, { ...it, name: `${service}.${name}` }]);
  return { service, ...Object.fromEntries(named) };
}

type Params<A> = A extends Action<infer P, unknown> ? P : never;
type Result<A> = A extends Action<never, infer R> ? R : never;
type Handlers<D extends Definitions> = {
  [K in keyof D as D[K] extends Action<never, unknown> ? K : never]: (
    this: Service,
    ctx: Context<Params<D[K]>, Meta>,
  ) => Promise<Result<D[K]>> | Result<D[K]>;
};
/** What travels beside the parameters of a call. */
export type Meta = {
  principal?: Principal;
  requestId?: string;
  idempotency?: Idempotency;
  /** Where the request came from: the address of the client, without its port. */
  address?: string;
  /**
   * What the client showed in its TLS handshake, on paths that anyone may ask: signed by our authority and in its time, and nothing else is
   * known of it. On all others it has become the principal.
   */
  certificate?: ClientCertificate;
};
/** The caller's Idempotency-Key. */
export type Idempotency = { readonly key: string };

/**
 * A Moleculer service schema that answers every action of the contract.
 *
 * @param rest what else the service has: `started`, `stopped`, `events`, `mixins`
 */
export function implement<D extends Definitions>(
  contract: Contract<D>,
  handlers: Handlers<D>,
  rest: Partial<ServiceSchema> = {},
): ServiceSchema {
  const actions: NonNullable<ServiceSchema['actions']> = {};
  for (const [name, handler] of Object.entries(handlers)) {
    const { rules, access } = contract[name] as Action;
    actions[name] = { params: { $$strict: true, ...rules }, access, handler } as never;
  }
  return { ...rest, name: contract.service, actions };
}

/** Whoever can call: a broker, a service's context. */
export type Caller = { call(name: string, params?: unknown, options?: CallingOptions): PromiseLike<unknown> };

/** Calls an action: types of parameters and result come from the contract. Rejects with an error of the error table. */
export const call = <P, R>(
  caller: Caller,
  action: Action<P, R>,
  params: NoInfer<P>,
  options?: CallingOptions,
): Promise<R> => caller.call(action.name, params, options) as Promise<R>;

/** Tells every service of every node that listens, at most once each. */
export const announce = <P>(
  caller: { broadcast(name: string, payload: unknown): unknown },
  event: Event<P>,
  payload: NoInfer<P>,
): void => {
  caller.broadcast(event.name, payload);
};

/** A listener for the `events` of a service: `events: on(access.revoked, payload => ...)`. */
export const on = <P>(event: Event<P>, handle: (payload: P) => void) => ({
  [event.name]: (ctx: Context<P>): void => handle(ctx.params),
});
