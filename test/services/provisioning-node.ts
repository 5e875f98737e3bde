/** A node behind REST that also has batches, claims, imports and groups. */
import { randomUUID } from 'node:crypto';
import type { MemberPrincipal } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { groups } from '../../contracts/groups.contract.ts';
import { groupsService } from '../../services/groups.service.ts';
import { importsService } from '../../services/imports.service.ts';
import { provisioningService } from '../../services/provisioning.service.ts';
import { ADMIN } from '../support/principals.ts';
import { type Answer, ask, type RestNode, type RestNodeOptions, startRestNode } from './rest-node.ts';

export async function startProvisioningNode(options: RestNodeOptions = {}): Promise<RestNode> {
  const node = await startRestNode(options);
  node.broker.createService(groupsService(node));
  node.broker.createService(provisioningService(node));
  node.broker.createService(importsService(node));
  await node.broker.waitForServices(['groups', 'provisioning', 'imports']);
  return node;
}

/** A person of the tenant, with a row, and as access control knows it. */
export async function addUser(
  node: RestNode,
  grants: MemberPrincipal['grants'] = [ADMIN],
  slug = 'default',
): Promise<MemberPrincipal> {
  const [tenant] = await node.database.query<{ tenant_id: number }>('SELECT tenant_id FROM tenant WHERE slug = $1', [
    slug,
  ]);
  const id = randomUUID();
  await node.database.query('INSERT INTO app_user (user_id, tenant_id, email) VALUES ($1, $2, $3)', [
    id,
    tenant!.tenant_id,
    `${id}@example.org`,
  ]);
  return { kind: 'user', tenant: slug, tenantId: tenant!.tenant_id, id, name: 'Ada', grants, isOperator: false };
}

export const makeGroup = (node: RestNode, principal: MemberPrincipal, name: string) =>
  call(node.broker, groups.put, { name }, { meta: { principal } });

export type MadeBatch = { batch: { id: string }; credentials: { provisioningKey: string; provisioningSecret: string } };
let batches = 0;
/** Makes a batch and answers with its credentials. */
export async function makeBatch(node: RestNode, fields: object = {}, key?: string): Promise<MadeBatch> {
  const body = { name: `batch ${++batches}`, admits: 'any', ...fields };
  const { status, body: made } = await ask(node, 'POST /api/v1/provisioning/batches', { body, key });
  if (status !== 201) throw new Error(JSON.stringify(made));
  return made;
}

/** As a device asks, which has no key yet. */
export const provisionDevice = (node: RestNode, { credentials }: MadeBatch, deviceId: string): Promise<Answer> =>
  ask(node, 'POST /api/v1/provision', { key: null, body: { ...credentials, deviceId } });

/** What the audit log has of an act, the oldest first. */
export const auditOf = (node: RestNode, act: string) =>
  node.database.query<{ actor: string; target: string; result: string; data: Record<string, unknown> }>(
    'SELECT actor, target, result, data FROM audit_entry WHERE act = $1 ORDER BY tenant_id, seq',
    [act],
  );

const PATIENCE_MS = 20_000;
/** Asks again and again until it is there. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const untilMs = Date.now() + PATIENCE_MS; ; ) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > untilMs) throw new Error('It did not come');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** Sends a file of devices; `text/csv` unless told otherwise. */
export const sendFile = (
  node: RestNode,
  file: string | Buffer,
  {
    type = 'text/csv',
    query = '',
    key,
    headers,
  }: { type?: string; query?: string; key?: string; headers?: Record<string, string> } = {},
): Promise<Answer> =>
  ask(node, `POST /api/v1/devices/imports${query}`, {
    body: file as string,
    key,
    headers: { 'content-type': type, ...headers },
  });

/** The import when it has ended, from the answer that it was taken. */
export async function importEnded(node: RestNode, { status, body }: Answer, key?: string): Promise<Answer['body']> {
  if (status !== 202) throw new Error(JSON.stringify(body));
  return until(async () => {
    const { body: now } = await ask(node, `GET /api/v1/devices/imports/${body.id}`, { key });
    return now.endedAt === null ? undefined : now;
  });
}

export const linesOf = async (node: RestNode, id: string, query = ''): Promise<Record<string, unknown>[]> =>
  (await ask(node, `GET /api/v1/devices/imports/${id}/lines?limit=1000${query}`)).body.items;

/** The new keys, as the file that they come in. */
export async function keyFileOf(node: RestNode, id: string, query = ''): Promise<string> {
  const response = await fetch(`${node.url}/api/v1/devices/imports/${id}/credentials${query}`, {
    headers: { authorization: `Bearer ${node.adminKey}` },
  });
  if (response.status !== 200) throw new Error(await response.text());
  return response.text();
}
