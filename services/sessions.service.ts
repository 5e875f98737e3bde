/** Which devices are connected, where, and since when. */
import type { ServiceSchema } from 'moleculer';
import { type DevicePresence, listPresence, readPresence } from '../adapters/database/presence.ts';
import { isDeviceId } from '../contracts/addresses.ts';
import { implement } from '../contracts/contract.ts';
import { RECEIVED, type SessionView, sessions } from '../contracts/sessions.contract.ts';
import { callerOf, limitOf, memberOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, TEXT_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import type { Node } from './node.ts';

export function sessionsService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  const { limits } = config;
  return implement(
    sessions,
    {
      async get(ctx) {
        const { id } = ctx.params;
        const { tenantId } = callerOf(ctx);
        const found = isDeviceId(id, limits.deviceIdMaxLength)
          ? (await readPresence(database, tenantId, [id], limits)).get(id)
          : undefined;
        if (found === undefined) throw unknownDevice(id);
        return viewOf(found);
      },

      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor, status, nodeId } = ctx.params;
        const list = ['sessions', tenantId, status, nodeId];
        const size = pageSize(limit, limits);
        const [after] = positionOf<[string]>(list, cursor, TEXT_POSITION) ?? [];
        const rows = await listPresence(
          database,
          tenantId,
          { status, nodeId, within: limitOf(ctx) },
          after,
          size + 1,
          limits,
        );
        return pageOf(list, rows, size, viewOf, row => [row.deviceId]);
      },
    },
    databaseErrors,
  );
}

const viewOf = ({ connectedAt, disconnectedAt, receives, ...presence }: DevicePresence): SessionView => ({
  ...presence,
  connectedAt: connectedAt?.toISOString() ?? null,
  disconnectedAt: disconnectedAt?.toISOString() ?? null,
  receives: RECEIVED_NAMES.filter(name => (receives & RECEIVED[name]) !== 0),
});
const RECEIVED_NAMES = Object.keys(RECEIVED) as (keyof typeof RECEIVED)[];
