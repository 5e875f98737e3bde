import { legalHolds } from '../../../contracts/legal-holds.contract.ts';
import { storage } from '../../../contracts/storage.contract.ts';
import { type StoragePolicyView, storagePolicies } from '../../../contracts/storage-policies.contract.ts';
import { plain, versioned, written } from '../answers.ts';
import { type Endpoint, endpoint, type Read, type Reply } from '../endpoint.ts';
import { conditionOf, fieldsOf, listing, nothing, pathId, timeOf, versionOf } from '../readings.ts';

const body = { takesBody: true };

const named: Read = ({ query, path }) => ({ ...query, name: path.name });
const namedVersion: Read = request => ({ ...named(request), ...versionOf(request) });
const policyFields: Read = request => ({
  ...fieldsOf(request, 'name', 'version', 'exists'),
  name: request.path.name,
  ...conditionOf(request),
});
const holds: Read = request => ({ ...listing(request), open: yesOrNo(request.query.open) });
const newHold: Read = request => {
  const { from, to, ...fields } = fieldsOf(request);
  return { ...fields, ...moment('from', from), ...moment('to', to) };
};
const release: Read = request => ({ ...fieldsOf(request, 'id'), id: request.path.id });

/** As everywhere: milliseconds since 1970, or ISO 8601. */
const moment = (name: string, value: unknown): Record<string, unknown> =>
  value === undefined
    ? {}
    : { [name]: value === null ? null : timeOf(name, typeof value === 'number' ? `${value}` : value) };
const yesOrNo = (value: unknown): unknown => (value === 'true' ? true : value === 'false' ? false : value);

const writtenPolicy = ({ policy, isNew }: { policy: StoragePolicyView; isNew: boolean }) =>
  written(isNew, 'storage/policies', policy);
const made = (hold: { id: string }): Reply => ({
  status: 201,
  headers: { Location: `/api/v1/storage/legal-holds/${hold.id}` },
  body: hold,
});

export const storageRoutes: readonly Endpoint[] = [
  endpoint('GET', '/storage/usage', storage.usage, nothing, plain),
  endpoint('GET', '/storage/policies', storagePolicies.list, listing, plain),
  endpoint('POST', '/storage/policies/preview', storagePolicies.preview, request => fieldsOf(request), plain, body),
  endpoint('GET', '/storage/policies/:name', storagePolicies.get, named, versioned),
  endpoint('PUT', '/storage/policies/:name', storagePolicies.put, policyFields, writtenPolicy, body),
  endpoint('DELETE', '/storage/policies/:name', storagePolicies.remove, namedVersion, plain),
  endpoint('GET', '/storage/legal-holds', legalHolds.list, holds, plain),
  endpoint('POST', '/storage/legal-holds', legalHolds.create, newHold, made, { ...body, creates: true }),
  endpoint('GET', '/storage/legal-holds/:id', legalHolds.get, pathId, plain),
  endpoint('POST', '/storage/legal-holds/:id/release', legalHolds.release, release, plain, body),
];
