/** Asks everything with ids of somebody else, and answers what was wrong with the answers. */

import { BUILT_IN_ROLES, type Permission } from '../../contracts/permissions.ts';
import type { OpenApi } from '../../services/gateway/openapi/document.ts';
import { type Crossing, crossingsOf } from './crossing-requests.ts';
import { changesOf, rowsOf } from './crossing-rows.ts';
import { absent, EVERYBODY, nobodys, type Tenant, type Who } from './crossing-world.ts';
import type { Operation } from './openapi-checks.ts';
import type { RestNode } from './rest-node.ts';

type Told = { readonly status: number; readonly text: string };

/**
 * @param intruder asks, with each of its keys
 * @param victim has what is asked for
 */
export async function findCrossings(
  node: RestNode,
  document: OpenApi,
  operations: readonly Operation[],
  { intruder, victim }: { readonly intruder: Tenant; readonly victim: Tenant },
): Promise<string[]> {
  const before = await rowsOf(node, victim.slug);
  const findings: string[] = [];
  const said = new Set<string>();
  for (const { who, there, nowhere } of pairsOf(document, operations, intruder, victim)) {
    for (const id of idsIn(there, victim)) said.add(id);
    const real = await tell(node, there, intruder.keys[who]);
    // Who may not ask at all hears the same of everything.
    const isRefused = real.status === 403 && !mayAsk(there.operation, who);
    const unreal = there.isOwn || isRefused ? real : await tell(node, nowhere, intruder.keys[who]);
    const wrong = [
      ...leaks(real, victim, said),
      ...differences(real, unreal, victim),
      ...rights(there.operation, who, real),
    ];
    findings.push(...wrong.map(it => `${there.what} by ${who}: ${it}`));
  }
  return [...findings, ...changesOf(before, await rowsOf(node, victim.slug))];
}

type Pair = { readonly who: Who; readonly there: Crossing; readonly nowhere: Crossing };

/** First what lists everything, as long as no id of the victim was said: later one's own things may be named like it. Who has logged out asks no more. */
function pairsOf(document: OpenApi, operations: readonly Operation[], intruder: Tenant, victim: Tenant): Pair[] {
  const pairs = operations.flatMap(operation =>
    EVERYBODY.flatMap(who => {
      const nowhere = crossingsOf(document, operation, intruder.ids, nobodys(victim).ids);
      const there = crossingsOf(document, operation, intruder.ids, victim.ids);
      return there.map((it, i) => ({ who, there: it, nowhere: nowhere[i]! }));
    }),
  );
  const turn = ({ there: { operation, isOwn } }: Pair): number =>
    operation.path === '/auth/logout' ? 2 : operation.method === 'GET' && isOwn === true ? 0 : 1;
  return pairs.toSorted((a, b) => turn(a) - turn(b));
}

const idsIn = ({ path, body }: Crossing, { ids }: Tenant): string[] => {
  const text = `${decodeURIComponent(path)} ${JSON.stringify(body)}`;
  return Object.values(ids).filter(id => text.includes(id));
};

async function tell(node: RestNode, { operation, path, body }: Crossing, key: string): Promise<Told> {
  const response = await fetch(`${node.url}/api/v1${path}`, {
    method: operation.method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': Object.keys(operation.requestBody!.content)[0]! }),
    },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** Words of the victim are in no answer at all; its ids only when the intruder has said them itself. */
function leaks({ status, text }: Told, { canary, ids }: Tenant, said: ReadonlySet<string>): string[] {
  const found = Object.values(ids).filter(id => text.includes(id) && !said.has(id));
  return [...(text.includes(canary) ? [canary] : []), ...found].map(
    it => `${status} with ${it}: ${text.slice(0, 300)}`,
  );
}

/** What belongs to somebody else looks like what is not there. */
function differences(real: Told, unreal: Told, { ids }: Tenant): string[] {
  if (real.status !== unreal.status)
    return [`${real.status}, but ${unreal.status} for what is not there: ${real.text.slice(0, 300)}`];
  if (real.status < 400) return [];
  const same = Object.values(ids).reduce((text, id) => text.replaceAll(absent(id), id), withoutRequest(unreal.text));
  return withoutRequest(real.text) === same ? [] : [`${real.text}, but for what is not there: ${unreal.text}`];
}
const withoutRequest = (text: string): string => text.replace(/"requestId":"[^"]*"/, '');

/** Who lacks the permission is told so, whatever else may be wrong. */
const rights = (operation: Operation, who: Who, { status, text }: Told): string[] =>
  mayAsk(operation, who) || status === 403
    ? []
    : [`lacks ${operation['x-permission']}, but gets ${status}: ${text.slice(0, 300)}`];

function mayAsk({ 'x-permission': needs, 'x-device-scope': scope }: Operation, who: Who): boolean {
  if (needs === undefined) return true;
  if (who === 'device') return scope !== undefined;
  return hasOneOf(who === 'user' ? 'admin' : who, typeof needs === 'string' ? [needs] : needs);
}

function hasOneOf(role: keyof typeof BUILT_IN_ROLES, needs: readonly string[]): boolean {
  if (needs.includes('signed-in')) return true;
  const permissions: readonly Permission[] = BUILT_IN_ROLES[role].permissions;
  return needs.some(it => permissions.includes(it as Permission));
}
