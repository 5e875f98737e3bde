/** Pages of commands. */
import type { Database } from '../../adapters/database/database.ts';
import { isDeviceId } from '../../contracts/addresses.ts';
import type { CommandView } from '../../contracts/commands.contract.ts';
import type { Page } from '../../contracts/devices.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import { pageOf, pageSize, positionOf } from '../../mixins/cursors.ts';
import { unknownDevice } from '../../mixins/unknown-device.ts';
import { type CommandFilter, listCommands } from './command-reading.ts';
import { commandView } from './command-views.ts';

type Asked = Omit<CommandFilter, 'endedBadly'> & { readonly limit?: number; readonly cursor?: string };

export function commandLists(database: Database, limits: Limits) {
  const page = async (name: string, tenantId: number, asked: Asked, endedBadly = false): Promise<Page<CommandView>> => {
    const { limit, cursor, deviceId, state, command, jobId } = asked;
    const list = [name, tenantId, deviceId, state, command, jobId];
    const size = pageSize(limit, limits);
    const [before] = positionOf<readonly [string]>(list, cursor) ?? [];
    const filter = { deviceId, state, command, jobId, endedBadly };
    const rows = await listCommands(database, tenantId, filter, before, size + 1);
    return pageOf(list, rows, size, commandView, row => [row.id]);
  };

  return {
    page,
    /** Rejects with `not_found` when there is no such device. */
    async ofDevice(tenantId: number, asked: Asked & { readonly deviceId: string }): Promise<Page<CommandView>> {
      const { deviceId } = asked;
      if (!isDeviceId(deviceId, limits.deviceIdMaxLength)) throw unknownDevice(deviceId);
      const found = await page('commands of a device', tenantId, asked);
      if (found.items.length === 0 && !(await exists(database, tenantId, deviceId))) throw unknownDevice(deviceId);
      return found;
    },
  };
}

async function exists(database: Database, tenantId: number, deviceId: string): Promise<boolean> {
  const rows = await database.query('SELECT 1 AS one FROM device WHERE tenant_id = $1 AND device_id = $2', [
    tenantId,
    deviceId,
  ]);
  return rows.length > 0;
}
