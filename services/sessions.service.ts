/** Which devices are connected, where, and since when. */
import type { ServiceSchema } from 'moleculer';
import { type DevicePresence, readPresence } from '../adapters/database/presence.ts';
import { isDeviceId } from '../contracts/addresses.ts';
import { implement } from '../contracts/contract.ts';
import { type SessionView, sessions } from '../contracts/sessions.contract.ts';
import { callerFor } from '../mixins/callers.ts';
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
        const { tenantId } = callerFor(ctx, id);
        const found = isDeviceId(id, limits.deviceIdMaxLength)
          ? (await readPresence(database, tenantId, [id], limits)).get(id)
          : undefined;
        if (found === undefined) throw unknownDevice(id);
        return viewOf(found);
      },
    },
    databaseErrors,
  );
}

const viewOf = ({ connectedAt, disconnectedAt, ...presence }: DevicePresence): SessionView => ({
  ...presence,
  connectedAt: connectedAt?.toISOString() ?? null,
  disconnectedAt: disconnectedAt?.toISOString() ?? null,
});
