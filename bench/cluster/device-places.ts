/** Puts devices where a measurement wants them: on connections to chosen nodes. */
import { deviceAddress } from '../../contracts/addresses.ts';
import type { LoadDevice } from '../load/load.ts';
import type { ShardOwners } from './shard-owners.ts';

/** The tenant of every device here. */
const TENANT = 'default';

/** The node that owns the device. */
export const ownerOf = ({ deviceId }: Pick<LoadDevice, 'deviceId'>, owners: ShardOwners): string | null =>
  owners[deviceAddress(TENANT, deviceId).shard]!;

/**
 * As many devices of each node as the one with the fewest has, in such an order that device `i`, which the generator connects to port
 * `i % nodes`, is connected to the node `away` places after its owner: 0 is the owner itself.
 */
export function placeDevices<D extends Pick<LoadDevice, 'deviceId'>>(
  devices: readonly D[],
  owners: ShardOwners,
  nodeIds: readonly string[],
  away: number,
): D[] {
  const byNode = nodeIds.map(id => devices.filter(device => ownerOf(device, owners) === id));
  const each = Math.min(...byNode.map(it => it.length));
  const owner = (place: number) => (place - away + nodeIds.length) % nodeIds.length;
  return Array.from(
    { length: each * nodeIds.length },
    (_, i) => byNode[owner(i % nodeIds.length)]![Math.floor(i / nodeIds.length)]!,
  );
}
