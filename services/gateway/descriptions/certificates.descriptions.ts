import { CERTIFICATE_STATES, REASONS } from '../../../contracts/certificates.contract.ts';
import type { Descriptions } from './description.ts';
import { described, object, oneOf, pageOf, text, textOrNull, time, timeOrNull, uuidOrNull } from './schemas/shapes.ts';

const SERIAL = '5803D769F16A6D0F73EA297474598BB7';
const CERTIFICATE = {
  serialNumber: SERIAL,
  deviceId: 'press-4',
  batchId: null,
  commonName: 'press-4',
  state: 'good',
  fingerprint: '0718ecd02b01ea81d5b253f19bb54ff660b13e5d6c4a9e86cd2f316b54878dc1',
  scopes: null,
  issuedFrom: 'csr',
  issuedBy: 'application 02fXeZdzvP0hGyYy8',
  notBefore: '2026-03-01T06:10:00.000Z',
  notAfter: '2027-03-01T06:15:00.000Z',
  replacedFrom: null,
  createdAt: '2026-03-01T06:15:00.123Z',
  revokedAt: null,
  revokedFor: null,
};
const view = object({
  serialNumber: described(text, '32 characters, upper-case hex.'),
  deviceId: textOrNull,
  batchId: described(uuidOrNull, 'Of a provisioning batch: it is no device’s.'),
  commonName: text,
  state: described(
    oneOf(CERTIFICATE_STATES),
    '`replaced`: renewed, and the time is over in which it was good beside its successor.',
  ),
  fingerprint: described(text, 'SHA-256, lower-case hex.'),
  scopes: described({ type: ['array', 'null'], items: text }, 'What it is limited to; null: it is not.'),
  issuedFrom: described(
    oneOf(['csr', 'generated', 'renewal']),
    '`generated`: its key was made here. `renewal`: asked for by the device itself.',
  ),
  issuedBy: text,
  notBefore: time,
  notAfter: time,
  replacedFrom: described(timeOrNull, 'Of one that was renewed: when it is good no more.'),
  createdAt: time,
  revokedAt: timeOrNull,
  revokedFor: described(textOrNull, 'A reason of RFC 5280, section 5.3.1.'),
});
const made = object(
  {
    certificate: view,
    pem: text,
    chain: described(text, 'PEM: what signed it, and all other authorities that the device is to trust.'),
    privateKey: described(text, 'PKCS #8 in PEM, when it was made here. It is shown once and kept nowhere.'),
  },
  ['privateKey'],
);
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB8DCCAZagAwIBAgIQ...\n-----END CERTIFICATE-----\n';
const CSR = '-----BEGIN CERTIFICATE REQUEST-----\nMIHRMHgCAQAwFjEUMBIG...\n-----END CERTIFICATE REQUEST-----\n';
const MADE = { certificate: CERTIFICATE, pem: PEM, chain: PEM };
const BATCH_ID = '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81';
const OF_BATCH = {
  ...CERTIFICATE,
  deviceId: null,
  batchId: BATCH_ID,
  commonName: BATCH_ID,
  issuedFrom: 'generated',
};
const KEY = '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49...\n-----END PRIVATE KEY-----\n';
const tag = 'Certificates';

export const certificateDescriptions: Descriptions = {
  'POST /devices/:id/certificates': {
    tag,
    summary: 'Issue a certificate for a device',
    description:
      "Of `csr` only its key is used, and its common name must be the device's id. Without `csr` the key is made here, and comes back once.",
    bodyExample: { csr: CSR, days: 90 },
    answers: { 201: { schema: made, example: MADE, headers: ['Location'] } },
    errors: ['lifecycle_conflict', 'too_many_credentials', 'overloaded'],
  },
  'GET /devices/:id/certificates': {
    tag,
    summary: 'The certificates of a device',
    description: 'The one that ends first comes first.',
    answers: { 200: { schema: pageOf(view), example: { items: [CERTIFICATE], nextCursor: null } } },
  },
  'POST /devices/:id/certificates/renew': {
    tag,
    summary: 'A device renews its certificate',
    description: 'With its certificate or key. Its other certificates stay good for a while, or until their end.',
    bodyExample: { csr: CSR },
    answers: {
      201: {
        schema: made,
        example: {
          ...MADE,
          certificate: { ...CERTIFICATE, issuedFrom: 'renewal', issuedBy: 'device press-4' },
        },
        headers: ['Location'],
      },
    },
    errors: ['lifecycle_conflict', 'too_many_credentials', 'overloaded'],
  },
  'POST /provisioning/batches/:id/certificate': {
    tag: 'Provisioning',
    summary: 'Issue a certificate for a provisioning batch',
    description:
      'A device that shows it in its TLS handshake needs no key and no secret of the batch for `POST /provision`; it is good for nothing else. Of ' +
      '`csr` only its key is used, and its common name must be the id of the batch. Without `csr` the key is made here, and comes back once.',
    bodyExample: { days: 90 },
    answers: {
      201: {
        schema: made,
        example: { certificate: OF_BATCH, pem: PEM, chain: PEM, privateKey: KEY },
        headers: ['Location'],
      },
    },
    errors: ['not_found', 'provisioning_closed', 'too_many_credentials', 'overloaded'],
  },
  'GET /provisioning/batches/:id/certificates': {
    tag: 'Provisioning',
    summary: 'The certificates of a provisioning batch',
    description: 'The one that ends first comes first.',
    answers: { 200: { schema: pageOf(view), example: { items: [OF_BATCH], nextCursor: null } } },
    errors: ['not_found'],
  },
  'GET /certificates': {
    tag,
    summary: 'The certificates of all devices and batches',
    description:
      'The one that ends first comes first. `expiringWithinDays` and `expiringBefore`: those that are good, were not renewed, and end before that.',
    answers: { 200: { schema: pageOf(view), example: { items: [CERTIFICATE], nextCursor: null } } },
  },
  'GET /certificates/authority': {
    tag,
    summary: 'The authorities that sign certificates',
    description: 'Those that are not over, the newest first. For everybody.',
    answers: { 200: { schema: text, example: PEM, contentType: 'application/pem-certificate-chain' } },
  },
  'GET /certificates/crl': {
    tag,
    summary: 'The list of revoked certificates',
    description:
      'In DER; with `Accept: application/x-pem-file` in PEM. `authority`: the number of one, when there are several.',
    omits: ['format'],
    answers: { 200: { schema: text, example: 'DER', contentType: 'application/pkix-crl' } },
  },
  'GET /certificates/:serialNumber': {
    tag,
    summary: 'One certificate',
    answers: { 200: { schema: view, example: CERTIFICATE } },
  },
  'POST /certificates/:serialNumber/revoke': {
    tag,
    summary: 'Revoke a certificate',
    description: `What its device has open is closed; with that of a batch nobody is provisioned any more. Again: the same answer. Reasons: ${REASONS.join(', ')}.`,
    bodyExample: { reason: 'keyCompromise' },
    answers: {
      200: {
        schema: view,
        example: {
          ...CERTIFICATE,
          state: 'revoked',
          revokedAt: '2026-03-02T08:00:00.000Z',
          revokedFor: 'keyCompromise',
        },
      },
    },
  },
};
