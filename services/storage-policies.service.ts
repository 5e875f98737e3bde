/** Storage policies. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import { tenantAdapter } from '../adapters/moleculer-db/tenant-adapter.ts';
import { isDeviceId } from '../contracts/addresses.ts';
import { implement } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { type StoragePolicyView, storagePolicies } from '../contracts/storage-policies.contract.ts';
import { memberOf } from '../mixins/callers.ts';
import { isDatabaseError } from '../mixins/database-errors.ts';
import { TenantResource } from '../mixins/tenant-resource.ts';
import type { Node } from './node.ts';
import { policyFields } from './storage-policies/policy-fields.ts';
import { POLICY_TABLE } from './storage-policies/policy-table.ts';
import { preview } from './storage-policies/previewing.ts';

const ROW_MAX_BYTES = 12_000;

export function storagePoliciesService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  const { limits } = config;
  const isName = (name: string) => isDeviceId(name, limits.deviceIdMaxLength);
  const resource = new TenantResource<StoragePolicyView>({
    noun: 'storage-policy',
    adapter: tenantAdapter(POLICY_TABLE),
    database,
    limits,
    rowMaxBytes: ROW_MAX_BYTES,
    isKey: isName,
  });

  const refuseTooMany = async (tenantId: number, name: string) => {
    const [row] = await database.query<{ others: number }>(
      'SELECT count(*)::int AS others FROM storage_policy WHERE tenant_id = $1 AND name <> $2',
      [tenantId, name],
    );
    if (row!.others >= limits.storagePoliciesMax)
      throw new SkeinError('conflict', `An organization has at most ${limits.storagePoliciesMax} storage policies`);
  };

  return implement(
    storagePolicies,
    {
      list(ctx) {
        return resource.of(this, ctx).list(ctx.params);
      },

      get(ctx) {
        return resource.of(this, ctx).get(ctx.params.name);
      },

      async put(ctx) {
        const { name, version, exists, ...said } = ctx.params;
        if (!isName(name))
          throw new SkeinError('invalid_request', 'The name of a policy has the form of the id of a device');
        const fields = policyFields(said, limits);
        await refuseTooMany(memberOf(ctx).tenantId, name);
        try {
          const { view, isNew } = await resource.of(this, ctx).put(name, fields, { version, exists });
          return { policy: view, isNew };
        } catch (error) {
          if (isDatabaseError(error) && error.where === 'storage_policy_scope')
            throw new SkeinError('conflict', 'Another policy is for the same device type and measurement');
          throw error;
        }
      },

      remove(ctx) {
        const { name, version } = ctx.params;
        return resource.of(this, ctx).remove(name, version);
      },

      preview(ctx) {
        const policy = policyFields(ctx.params, limits);
        return preview(database, limits, memberOf(ctx).tenantId, policy);
      },
    },
    resource.schema,
  );
}
