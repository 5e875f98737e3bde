/** A node behind REST that also has types, groups, assets, locations and capabilities. */
import { newKey } from '../../adapters/access/keys.ts';
import type { DeviceLimit } from '../../contracts/access.contract.ts';
import { BUILT_IN_ROLES, type Permission } from '../../contracts/permissions.ts';
import { assetsService } from '../../services/assets.service.ts';
import { capabilitiesService } from '../../services/capabilities.service.ts';
import { locationsService } from '../../services/locations.service.ts';
import { type FleetNode, startFleetNode } from './fleet-node.ts';
import type { Answer, RestNodeOptions } from './rest-node.ts';

export async function startAssetsNode(options: RestNodeOptions = {}): Promise<FleetNode> {
  const node = await startFleetNode(options);
  node.broker.createService(assetsService(node));
  node.broker.createService(locationsService(node));
  node.broker.createService(capabilitiesService(node));
  await node.broker.waitForServices(['assets', 'locations', 'capabilities']);
  return node;
}

/** A key of the first tenant with a role of its own. */
export async function keyWith(
  node: FleetNode,
  limit: DeviceLimit | null,
  permissions: readonly Permission[] = BUILT_IN_ROLES.operator.permissions,
): Promise<string> {
  const key = newKey('application');
  await node.database.query(
    `INSERT INTO role (tenant_id, name, permissions, device_limit)
     SELECT tenant_id, $1, $2, $3::text::jsonb FROM tenant WHERE slug = 'default'`,
    [key.id, permissions, limit && JSON.stringify(limit)],
  );
  await node.database.query(
    `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
     SELECT $1, tenant_id, $2, 'test', $3 FROM tenant WHERE slug = 'default'`,
    [key.id, [key.id], key.hash],
  );
  return key.text;
}

export const problem = ({ status, body }: Answer) => [status, body.type];
export const idsOf = ({ body }: Answer): string[] => body.items.map((it: { id: string }) => it.id);
export const devicesOf = ({ body }: Answer): string[] => body.items.map((it: { deviceId: string }) => it.deviceId);
