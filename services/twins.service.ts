/** What devices report of themselves, and what is desired of them. */
import type { ServiceSchema } from 'moleculer';
import { deviceAddress, isDeviceId } from '../contracts/addresses.ts';
import { implement } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { twins } from '../contracts/twins.contract.ts';
import { NO_TWIN, type TwinRecord } from '../contracts/twins.ts';
import type { DeviceAddress, Ingress } from '../contracts/uplinks.ts';
import { checkJson } from '../mixins/bounded-json.ts';
import { callerOf, memberOf } from '../mixins/callers.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import type { Node } from './node.ts';
import { desire } from './twins/desiring.ts';
import { pastTwin } from './twins/past-twin.ts';
import { readTwin, twinView } from './twins/twin-rows.ts';

/** Twins in the memory of this process, as they are stored. Null: the device has none. Undefined: it is not known here. */
export type TwinMemory = { twinOf(address: DeviceAddress): TwinRecord | null | undefined };
const NO_MEMORY: TwinMemory = { twinOf: () => undefined };

export function twinsService(
  { config, database }: Pick<Node, 'config' | 'database'>,
  ingress: Ingress,
  memory: TwinMemory = NO_MEMORY,
): ServiceSchema {
  const { limits } = config;
  const isId = (id: string): boolean => isDeviceId(id, limits.deviceIdMaxLength);

  /** The address names the caller's tenant, so of another one's device nothing is found, here as in the database. */
  const find = async (tenant: string, tenantId: number, id: string): Promise<TwinRecord> => {
    if (!isId(id)) throw unknownDevice(id);
    const known = memory.twinOf(deviceAddress(tenant, id));
    if (known !== undefined) return known ?? NO_TWIN;
    const twin = await readTwin(database, tenantId, id);
    if (twin === undefined) throw unknownDevice(id);
    return twin;
  };

  return implement(
    twins,
    {
      async get(ctx) {
        const { id, at } = ctx.params;
        const { tenant, tenantId } = callerOf(ctx);
        if (at === undefined) return twinView(id, await find(tenant, tenantId, id));
        if (!isId(id)) throw unknownDevice(id);
        return pastTwin(database, { tenantId, id }, at, limits);
      },

      async patchDesired(ctx) {
        const { tenant, tenantId } = memberOf(ctx);
        const { id, patch, version } = ctx.params;
        if (!isId(id)) throw unknownDevice(id);
        checkJson('The patch', patch, limits.messageMaxBytes, limits.twinMaxDepth);
        await desire(ingress, tenant, id, version === undefined ? { patch } : { patch, version });
        // The change is made, whatever becomes of reading it.
        const twin = await find(tenant, tenantId, id).catch(() => {
          throw new SkeinError('unknown_outcome', 'It was changed, but could not be read afterwards');
        });
        return twinView(id, twin);
      },
    },
    databaseErrors,
  );
}
