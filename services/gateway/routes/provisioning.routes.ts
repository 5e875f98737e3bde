import { certificates, type NewCertificate } from '../../../contracts/certificates.contract.ts';
import { SkeinError } from '../../../contracts/errors.ts';
import { imports } from '../../../contracts/imports.contract.ts';
import { provisioning } from '../../../contracts/provisioning.contract.ts';
import { plain } from '../answers.ts';
import { type ApiRequest, type Endpoint, endpoint, type Read, type Reply } from '../endpoint.ts';
import { importBegun, keyFile } from '../import-answers.ts';
import { listing, noQuery, numberOf, objectOf, pathId } from '../readings.ts';
import { deviceFile } from '../uploads/device-file.ts';

const body = { takesBody: true } as const;
const create = { ...body, creates: true } as const;

const fields: Read = request => {
  noQuery(request);
  return objectOf(request.body);
};
/** The path says which one; the body may not say it as well. */
const fieldsOfId: Read = request => withId(request, objectOf(request.body));
/** The same, where the body may be left out. */
const perhapsFieldsOfId: Read = request => withId(request, objectOf(request.body ?? {}));
function withId(request: ApiRequest, said: Record<string, unknown>): Record<string, unknown> {
  noQuery(request);
  if (Object.hasOwn(said, 'id')) throw new SkeinError('invalid_request', 'id is not known here');
  return { ...said, id: request.path.id };
}
const idListing: Read = ({ query, path }) => ({ ...query, id: path.id, limit: numberOf(query.limit) });
const deviceOfBatch: Read = ({ query, path }) => ({ ...query, id: path.id, deviceId: path.deviceId });
/** What was made of the file while it came. */
const uploaded: Read = request => objectOf(request.body);
const keyPages: Read = ({ query, path, limits }) => ({ ...query, id: path.id, limit: limits.listMaxItems });

/** The body has a secret in it. */
const secret = (status: number, answer: unknown, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { ...headers, 'Cache-Control': 'no-store' },
  body: answer,
});
const madeBatch = (made: { batch: { id: string } }) =>
  secret(201, made, { Location: `/api/v1/provisioning/batches/${made.batch.id}` });
const madeCertificate = (made: NewCertificate) =>
  secret(201, made, { Location: `/api/v1/certificates/${made.certificate.serialNumber}` });
const shownOnce = (answer: unknown) => secret(200, answer);
const provisioned = (answer: unknown) => secret(201, answer);

const BATCH = '/provisioning/batches/:id';
const IMPORT = '/devices/imports/:id';

export const provisioningRoutes: readonly Endpoint[] = [
  endpoint('POST', '/provisioning/batches', provisioning.createBatch, fields, madeBatch, create),
  endpoint('GET', '/provisioning/batches', provisioning.listBatches, listing, plain),
  endpoint('GET', BATCH, provisioning.getBatch, pathId, plain),
  endpoint('PATCH', BATCH, provisioning.changeBatch, fieldsOfId, plain, body),
  endpoint('POST', `${BATCH}/rotate`, provisioning.rotate, pathId, shownOnce),
  endpoint('POST', `${BATCH}/devices`, provisioning.addDevices, fieldsOfId, plain, body),
  endpoint('GET', `${BATCH}/devices`, provisioning.listDevices, idListing, plain),
  endpoint('DELETE', `${BATCH}/devices/:deviceId`, provisioning.resetDevice, deviceOfBatch, plain),
  endpoint('POST', `${BATCH}/certificate`, certificates.issueForBatch, perhapsFieldsOfId, madeCertificate, {
    takesBody: 'optional',
    creates: true,
  }),
  endpoint('GET', `${BATCH}/certificates`, certificates.ofBatch, idListing, plain),
  endpoint('POST', '/provision', provisioning.provision, fields, provisioned, body),

  endpoint('POST', '/devices/claim', provisioning.claim, fields, plain, body),
  endpoint('POST', '/devices/:id/claim-code', provisioning.claimCode, perhapsFieldsOfId, shownOnce, {
    takesBody: 'optional',
  }),
  endpoint('DELETE', '/devices/:id/claim', provisioning.release, pathId, plain),

  endpoint('POST', '/devices/imports', imports.start, uploaded, importBegun, { ...create, upload: deviceFile }),
  endpoint('GET', '/devices/imports', imports.list, listing, plain),
  endpoint('GET', IMPORT, imports.get, pathId, plain),
  endpoint('GET', `${IMPORT}/lines`, imports.lines, idListing, plain),
  endpoint('GET', `${IMPORT}/credentials`, imports.credentials, keyPages, keyFile),
  endpoint('DELETE', `${IMPORT}/credentials`, imports.forgetCredentials, pathId, plain),
  endpoint('POST', `${IMPORT}/cancel`, imports.cancel, pathId, plain),
];
