/** A node behind REST that also manages organizations, users, roles and API keys. */
import { apiKeysService } from '../../services/api-keys.service.ts';
import { organizationsService } from '../../services/organizations.service.ts';
import { rolesService } from '../../services/roles.service.ts';
import { usersService } from '../../services/users.service.ts';
import { type Answer, ask, type RestNode, type RestNodeOptions, startRestNode } from './rest-node.ts';

export async function startIdentityNode(options: RestNodeOptions = {}): Promise<RestNode> {
  const node = await startRestNode(options);
  const services = [organizationsService(node), usersService(node), rolesService(node), apiKeysService(node)];
  for (const service of services) node.broker.createService(service);
  await node.broker.waitForServices(['organizations', 'users', 'roles', 'api-keys']);
  return node;
}

export const problem = ({ status, body }: Answer) => [status, body.type];

/** What tests of identity say again and again. Without a key it is the administrator of the organization that runs the system. */
export const identityOf = (node: RestNode) => {
  const got = (answer: Answer, status: number) => {
    if (answer.status !== status) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  return {
    /** Its administrator's key. */
    organization: async (slug: string, fields: object = {}): Promise<string> =>
      got(await ask(node, 'POST /api/v1/organizations', { body: { slug, ...fields } }), 201).credentials.apiKey,
    /** Its id. */
    user: async (email: string, fields: object = {}, key?: string): Promise<string> =>
      got(await ask(node, 'POST /api/v1/users', { body: { email, ...fields }, key }), 201).id,
    role: async (name: string, fields: object, key?: string): Promise<void> =>
      void got(await ask(node, `PUT /api/v1/roles/${name}`, { body: fields, key }), 201),
    apiKey: async (roles: readonly string[], fields: object = {}, key?: string): Promise<string> =>
      got(await ask(node, 'POST /api/v1/api-keys', { body: { name: 'a key', roles, ...fields }, key }), 201).key,
  };
};

/** The id in a key's text. */
export const idOf = (key: string): string => key.split('_')[1]!;

export const actsOf = async (node: RestNode, slug = 'default'): Promise<string[]> => {
  const rows = await node.database.query<{ act: string; target: string }>(
    'SELECT act, target FROM audit_entry JOIN tenant USING (tenant_id) WHERE slug = $1 ORDER BY seq',
    [slug],
  );
  return rows.map(it => `${it.act} ${it.target}`);
};
