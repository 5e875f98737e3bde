/** Types of devices: templates of what they measure, have and can do, and what commands they take. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import { tenantAdapter } from '../adapters/moleculer-db/tenant-adapter.ts';
import { actors } from '../contracts/actors.contract.ts';
import { announce, implement } from '../contracts/contract.ts';
import { type DeviceTypeView, deviceTypes } from '../contracts/device-types.contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { checkJson, checkText } from '../mixins/bounded-json.ts';
import { memberOf } from '../mixins/callers.ts';
import { TenantResource } from '../mixins/tenant-resource.ts';
import { capabilitiesOf, capabilityDetailsOf, measurementsOf, propertiesOf } from './device-types/template-fields.ts';
import { commandsOf, isTypeName, TYPE_MAX_DEPTH } from './device-types/type-fields.ts';
import { TYPE_TABLE } from './device-types/type-table.ts';
import { validationOf } from './device-types/validation-fields.ts';
import type { Node } from './node.ts';

/** Everything of a type but what `deviceTypeMaxBytes` is about. */
const ROW_BYTES = 4_000;

export function deviceTypesService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  const { limits } = config;
  const types = new TenantResource<DeviceTypeView>({
    noun: 'device-type',
    adapter: tenantAdapter(TYPE_TABLE),
    database,
    limits,
    rowMaxBytes: limits.deviceTypeMaxBytes + ROW_BYTES,
    isKey: isTypeName,
    inUse: async () => 'There are devices of this type: give them another one first',
  });

  return implement(
    deviceTypes,
    {
      async put(ctx) {
        const { name, description = null, version, exists, ...said } = ctx.params;
        if (!isTypeName(name)) throw new SkeinError('invalid_request', 'name must be a text of 1 to 100 characters');
        if (description !== null) checkText('description', description);
        const parts = {
          commands: await commandsOf(said.commands, limits),
          measurements: measurementsOf(said.measurements, limits),
          properties: propertiesOf(said.properties, limits),
        };
        const validation = validationOf(said.validation, limits);
        const capabilities = capabilitiesOf(said.capabilities, limits);
        const capabilityDetails = capabilityDetailsOf(said.capabilityDetails, capabilities, parts, limits);
        const fields = { ...parts, capabilities, capabilityDetails, validation };
        checkJson('The device type', fields, limits.deviceTypeMaxBytes, TYPE_MAX_DEPTH);
        const { view, isNew } = await types.of(this, ctx).put(name, { ...fields, description }, { version, exists });
        announce(ctx.broker, actors.typeChanged, { tenantId: memberOf(ctx).tenantId, type: name });
        return { type: view, isNew };
      },

      get(ctx) {
        return types.of(this, ctx).get(ctx.params.name);
      },

      list(ctx) {
        return types.of(this, ctx).list(ctx.params);
      },

      async remove(ctx) {
        const { name, version } = ctx.params;
        const removed = await types.of(this, ctx).remove(name, version);
        announce(ctx.broker, actors.typeChanged, { tenantId: memberOf(ctx).tenantId, type: name });
        return removed;
      },
    },
    types.schema,
  );
}
