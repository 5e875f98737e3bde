/**
 * What must not compile. `tsc` fails when an expected error is missing; `contract-types.test.ts` shows that each of them is
 * an error, and the one that its comment says. Nothing here ever runs.
 */
import type { Context } from 'moleculer';
import { action, announce, type Caller, call, contract, event, implement, typed } from '../../contracts/contract.ts';

type Lamp = { id: string; lit: boolean };
const lamps = contract('lamps', {
  get: action({ id: 'string', verbose: 'boolean|optional' }, { needs: 'anyone' }).returns<Lamp>(),
  dim: action({ id: 'string', percent: { type: 'number', min: 0, max: 100 } }, { needs: 'anyone' }).returns<number>(),
  find: action(
    {
      state: { type: 'enum', values: ['lit', 'dark'] },
      tags: { type: 'array', optional: true, items: 'string' },
      near: { type: 'object', props: { lat: 'number', lon: 'number' } },
      raw: typed<Uint8Array>({ type: 'any' }),
      hint: typed<{ room: string } | undefined>({ type: 'object', optional: true }),
      note: { type: 'string', optional: true, nullable: true },
      room: 'string|nullable|optional',
    },
    { needs: 'anyone' },
  ).returns<Lamp[]>(),
  broke: event<{ id: string; atMs: number }>(),
});
const lamp: Lamp = { id: 'a', lit: true };
const find = { state: 'lit', near: { lat: 1, lon: 2 }, raw: new Uint8Array() } as const;

// What must compile.
export const whole = implement(lamps, {
  get: ctx => ({ id: ctx.params.id, lit: ctx.params.verbose ?? false }),
  dim: async ctx => ctx.params.percent + 1,
  find: ctx => [{ id: ctx.params.tags?.[0] ?? ctx.params.state, lit: ctx.params.near.lat > ctx.params.raw.length }],
});
export async function callers(caller: Caller, broker: { broadcast(name: string, payload: unknown): unknown }) {
  const lit: boolean = (await call(caller, lamps.get, { id: 'a' })).lit;
  const percent: number = await call(caller, lamps.dim, { id: 'a', percent: 3 });
  const found: Lamp[] = await call(caller, lamps.find, find);
  await call(caller, lamps.find, { ...find, hint: { room: 'hall' }, note: null, room: null });
  announce(broker, lamps.broke, { id: 'a', atMs: 0 });
  return [lit, percent, found];
}

// A handler that is missing.
// @ts-expect-error TS2741
implement(lamps, { get: () => lamp, dim: () => 1 });
// A handler of an action that the contract does not have.
// @ts-expect-error TS2353
implement(lamps, { get: () => lamp, dim: () => 1, find: () => [], light: () => 1 });
// A handler for an event.
// @ts-expect-error TS2353
implement(lamps, { get: () => lamp, dim: () => 1, find: () => [], broke: () => undefined });
// A result of another type.
// @ts-expect-error TS2322
implement(lamps, { get: () => ({ id: 'a', lit: 'yes' }), dim: () => 1, find: () => [] });
// A promise of another type.
// @ts-expect-error TS2322
implement(lamps, { get: () => lamp, dim: async () => 'much', find: () => [] });
// A handler that reads a parameter that the rules do not have.
// @ts-expect-error TS2339
implement(lamps, { get: ctx => ({ id: ctx.params.ident, lit: true }), dim: () => 1, find: () => [] });

export async function mistakes(caller: Caller, broker: { broadcast(name: string, payload: unknown): unknown }) {
  // A misspelt action.
  // @ts-expect-error TS2551
  await call(caller, lamps.gett, { id: 'a' });
  // An event, called like an action.
  // @ts-expect-error TS2345
  await call(caller, lamps.broke, { id: 'a', atMs: 0 });
  // An action, announced like an event.
  // @ts-expect-error TS2345
  announce(broker, lamps.get, { id: 'a' });
  // A parameter of another type.
  // @ts-expect-error TS2322
  await call(caller, lamps.get, { id: 7 });
  // A parameter that is missing.
  // @ts-expect-error TS2345
  await call(caller, lamps.dim, { id: 'a' });
  // A parameter that the rules do not have.
  // @ts-expect-error TS2561
  await call(caller, lamps.get, { id: 'a', verbos: true });
  // A value outside of an enumeration.
  // @ts-expect-error TS2322
  await call(caller, lamps.find, { ...find, state: 'broken' });
  // Something else inside a list.
  // @ts-expect-error TS2322
  await call(caller, lamps.find, { ...find, tags: [7] });
  // A property that is missing inside an object.
  // @ts-expect-error TS2322
  await call(caller, lamps.find, { ...find, near: { lat: 1 } });
  // A told type, not kept.
  // @ts-expect-error TS2322
  await call(caller, lamps.find, { ...find, raw: 'bytes' });
  // `null` where no rule lets it through.
  // @ts-expect-error TS2322
  await call(caller, lamps.find, { ...find, tags: null });
  // A told optional type, not kept.
  // @ts-expect-error TS2322
  await call(caller, lamps.find, { ...find, hint: { room: 7 } });
  // A result used as what it is not.
  // @ts-expect-error TS2339
  (await call(caller, lamps.get, { id: 'a' })).dark;
  // The payload of an event.
  // @ts-expect-error TS2322
  announce(broker, lamps.broke, { id: 'a', atMs: 'now' });
}

/** The context of a handler is Moleculer's own, so that all of Moleculer is at hand. */
export const context = (ctx: Context<{ id: string }>): string => ctx.params.id;
