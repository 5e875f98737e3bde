import {
  type CertificateView,
  certificates,
  type NewCertificate,
  type RevocationListView,
} from '../../../contracts/certificates.contract.ts';
import { plain } from '../answers.ts';
import { type ApiRequest, type Endpoint, endpoint, type Read, type Reply } from '../endpoint.ts';
import { listing, noQuery, nothing, numberOf, objectOf, pathId } from '../readings.ts';

const create = { takesBody: true, creates: true };

/** The fields of the body, of which the path says one. */
const withBody =
  (name: string): Read =>
  request => {
    noQuery(request);
    return { ...objectOf(request.body ?? {}), [name]: request.path[name] };
  };
const ofDevice: Read = request => ({ ...pathId(request), limit: numberOf(request.query.limit) });
const list: Read = request => ({ ...listing(request), expiringWithinDays: numberOf(request.query.expiringWithinDays) });
const serialNumber: Read = ({ query, path }) => ({ ...query, serialNumber: path.serialNumber });

/** As PEM when that is asked for, else as DER. */
const revocationList: Read = ({ query, headers }: ApiRequest) => ({
  ...query,
  authority: numberOf(query.authority),
  format: /pem|text\/plain/i.test(headers.accept ?? '') ? 'pem' : 'der',
});

/** A key may be in it. */
const made = (body: NewCertificate): Reply => ({
  status: 201,
  headers: { Location: `/api/v1/certificates/${body.certificate.serialNumber}`, 'Cache-Control': 'no-store' },
  body,
});
const view = (body: CertificateView): Reply => ({ status: 200, body });

/** RFC 8555, section 9.1. */
const chain = ({ pem }: { pem: string }): Reply => ({
  status: 200,
  contentType: 'application/pem-certificate-chain',
  headers: { 'Cache-Control': 'public, max-age=300' },
  body: pem,
});
/** RFC 5280, section 4.2.1.13, and RFC 2585. */
const signedList = ({ format, content, number }: RevocationListView): Reply => ({
  status: 200,
  contentType: format === 'pem' ? 'application/x-pem-file' : 'application/pkix-crl',
  headers: { 'Cache-Control': 'public, max-age=60', Vary: 'Accept', ETag: `"${number}-${format}"` },
  body: format === 'pem' ? content : Buffer.from(content, 'base64'),
});

export const certificateRoutes: readonly Endpoint[] = [
  endpoint('POST', '/devices/:id/certificates', certificates.issue, withBody('id'), made, {
    takesBody: 'optional',
    creates: true,
  }),
  endpoint('GET', '/devices/:id/certificates', certificates.ofDevice, ofDevice, plain),
  endpoint('POST', '/devices/:id/certificates/renew', certificates.renew, withBody('id'), made, create),
  endpoint('GET', '/certificates', certificates.list, list, plain),
  endpoint('GET', '/certificates/authority', certificates.authority, nothing, chain),
  endpoint('GET', '/certificates/crl', certificates.revocationList, revocationList, signedList),
  endpoint('GET', '/certificates/:serialNumber', certificates.get, serialNumber, view),
  endpoint('POST', '/certificates/:serialNumber/revoke', certificates.revoke, withBody('serialNumber'), view, {
    takesBody: 'optional',
  }),
];
