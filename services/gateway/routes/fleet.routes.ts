import { type DeviceTypeView, deviceTypes } from '../../../contracts/device-types.contract.ts';
import { type GroupView, groups } from '../../../contracts/groups.contract.ts';
import { type JobView, jobs } from '../../../contracts/jobs.contract.ts';
import { plain, versioned, written } from '../answers.ts';
import { type Endpoint, endpoint, type Read, type Reply } from '../endpoint.ts';
import { conditionOf, fieldsOf, listing, numberOf, pathId, versionOf } from '../readings.ts';

const put = { takesBody: true };
const create = { ...put, creates: true };

const named: Read = ({ query, path }) => ({ ...query, name: path.name });
const namedVersion: Read = request => ({ ...named(request), ...versionOf(request) });
const namedList: Read = ({ query, path }) => ({ ...query, name: path.name, limit: numberOf(query.limit) });
const namedDevice: Read = ({ query, path }) => ({ ...query, name: path.name, id: path.id });
const namedFields: Read = request => ({ ...fieldsOf(request, 'name'), name: request.path.name });
const versionedFields: Read = request => ({
  ...fieldsOf(request, 'name', 'version', 'exists'),
  name: request.path.name,
  ...conditionOf(request),
});

const jobItems: Read = ({ query, path }) => ({ ...query, id: path.id, limit: numberOf(query.limit) });
const job: Read = request => fieldsOf(request);
/** One command with a target, as one with a device is said. */
const commandForMany: Read = request => {
  const { target, ...command } = fieldsOf(request);
  return { target, command };
};
const desiredOfMany: Read = request => {
  const { target, ...desired } = fieldsOf(request);
  return { target, desired };
};

const writtenType = ({ type, isNew }: { type: DeviceTypeView; isNew: boolean }) => written(isNew, 'device-types', type);
const writtenGroup = ({ group, isNew }: { group: GroupView; isNew: boolean }) => written(isNew, 'groups', group);
const begun = (body: JobView): Reply => ({ status: 202, headers: { Location: `/api/v1/jobs/${body.id}` }, body });

export const fleetRoutes: readonly Endpoint[] = [
  endpoint('GET', '/device-types', deviceTypes.list, listing, plain),
  endpoint('GET', '/device-types/:name', deviceTypes.get, named, versioned),
  endpoint('PUT', '/device-types/:name', deviceTypes.put, versionedFields, writtenType, put),
  endpoint('DELETE', '/device-types/:name', deviceTypes.remove, namedVersion, plain),

  endpoint('GET', '/groups', groups.list, listing, plain),
  endpoint('GET', '/groups/:name', groups.get, named, versioned),
  endpoint('PUT', '/groups/:name', groups.put, versionedFields, writtenGroup, put),
  endpoint('DELETE', '/groups/:name', groups.remove, namedVersion, plain),
  endpoint('GET', '/groups/:name/devices', groups.devices, namedList, plain),
  endpoint('POST', '/groups/:name/devices', groups.add, namedFields, plain, put),
  endpoint('PUT', '/groups/:name/devices/:id', groups.addOne, namedDevice, plain),
  endpoint('DELETE', '/groups/:name/devices/:id', groups.removeOne, namedDevice, plain),
  endpoint('GET', '/tags', groups.tags, listing, plain),

  endpoint('POST', '/jobs', jobs.create, job, begun, create),
  endpoint('POST', '/commands', jobs.create, commandForMany, begun, create),
  endpoint('PATCH', '/twins/desired', jobs.create, desiredOfMany, begun, create),
  endpoint('GET', '/jobs', jobs.list, listing, plain),
  endpoint('GET', '/jobs/:id', jobs.get, pathId, plain),
  endpoint('GET', '/jobs/:id/items', jobs.items, jobItems, plain),
  endpoint('POST', '/jobs/:id/cancel', jobs.cancel, pathId, plain),
];
