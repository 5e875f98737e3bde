/** What the rows of credentials have in common, in whatever tables they are. */
import type { DevicePrincipal, Revocation } from '../../contracts/access.contract.ts';
import type { DeviceScope } from '../../contracts/permissions.ts';
import { BatchReader } from '../../mixins/batch-reader.ts';
import { ownerOf } from './credential.ts';

export type CredentialName<K extends string> = { readonly kind: K; readonly id: string };
type Found<V> = readonly (readonly [id: string, value: V])[];

/** Reads credentials of several kinds, each kind with one query for all that ask at once. */
export const credentialReader = <K extends string, V>(
  read: {
    readonly [kind in K]: (ids: readonly string[]) => Promise<Found<V>>;
  },
): BatchReader<CredentialName<K>, V> =>
  new BatchReader({
    nameOf: ({ kind, id }) => `${kind}/${id}`,
    batchMaxKeys: 500,
    waitingMaxKeys: 20_000,
    queriesUnderWay: 2,
    read: async names => {
      const found = await Promise.all(
        (Object.keys(read) as K[]).map(async kind => {
          const ids = names.filter(it => it.kind === kind).map(it => it.id);
          const rows = ids.length === 0 ? [] : await read[kind](ids);
          return rows.map(([id, value]) => [`${kind}/${id}`, value] as const);
        }),
      );
      return new Map(found.flat());
    },
  });

/** What a credential of a device is read with. */
export type DeviceColumns = {
  slug: string;
  tenant_id: number;
  device_id: string;
  device_uid: number;
  scopes: DeviceScope[] | null;
};

/** Whom a credential of a device stands for, and what ends it. */
export function ofDevice(
  { slug: tenant, tenant_id: tenantId, device_id: device, device_uid: deviceUid, scopes }: DeviceColumns,
  credential: NonNullable<DevicePrincipal['credential']>,
): { readonly owners: string[]; readonly principal: DevicePrincipal } {
  return {
    owners: [
      ownerOf({ ...credential, tenant }),
      ownerOf({ kind: 'device', tenant, subject: device }),
      ownerOf({ kind: 'tenant', tenant, subject: tenant }),
    ],
    principal: { kind: 'device', tenant, tenantId, device, deviceUid, scopes, credential },
  };
}

/** What ends a credential of a person or a program: `own`, its tenant, and each of its roles. */
export const ownersOfMember = (
  { slug: tenant, roles }: { readonly slug: string; readonly roles: readonly string[] },
  own: readonly Pick<Revocation, 'kind' | 'subject'>[],
): string[] => [
  ...own.map(it => ownerOf({ ...it, tenant })),
  ownerOf({ kind: 'tenant', tenant, subject: tenant }),
  ...roles.map(role => ownerOf({ kind: 'role', tenant, subject: role })),
];
