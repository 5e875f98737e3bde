/** What devices report of themselves, and what is desired of them. */
import type { ServiceSchema } from 'moleculer';
import { isDeviceId } from '../contracts/addresses.ts';
import { implement } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { twins } from '../contracts/twins.contract.ts';
import type { TwinRecord } from '../contracts/twins.ts';
import type { Ingress } from '../contracts/uplinks.ts';
import { checkJson } from '../mixins/bounded-json.ts';
import { applicationOf, callerFor } from '../mixins/callers.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import type { Node } from './node.ts';
import { desire } from './twins/desiring.ts';
import { readTwin, twinView } from './twins/twin-rows.ts';

export function twinsService({ config, database }: Pick<Node, 'config' | 'database'>, ingress: Ingress): ServiceSchema {
  const { limits } = config;

  const find = async (tenantId: number, id: string): Promise<TwinRecord> => {
    const twin = isDeviceId(id, limits.deviceIdMaxLength) ? await readTwin(database, tenantId, id) : undefined;
    if (twin === undefined) throw unknownDevice(id);
    return twin;
  };

  return implement(
    twins,
    {
      async get(ctx) {
        const { id } = ctx.params;
        const { tenantId } = callerFor(ctx, id);
        return twinView(id, await find(tenantId, id));
      },

      async patchDesired(ctx) {
        const { tenant, tenantId } = applicationOf(ctx);
        const { id, patch, version } = ctx.params;
        if (!isDeviceId(id, limits.deviceIdMaxLength)) throw unknownDevice(id);
        checkJson('The patch', patch, limits.messageMaxBytes, limits.twinMaxDepth);
        await desire(ingress, tenant, id, version === undefined ? { patch } : { patch, version });
        // The change is made, whatever becomes of reading it.
        const twin = await find(tenantId, id).catch(() => {
          throw new SkeinError('unknown_outcome', 'It was changed, but could not be read afterwards');
        });
        return twinView(id, twin);
      },
    },
    databaseErrors,
  );
}
