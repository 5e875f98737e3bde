/** The certificate that a client showed. */
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../../contracts/access.contract.ts';

/** Undefined: it showed none. `invalid`: none of our authorities signed it, or it is not good at this time. */
export function clientCertificateOf(socket: Duplex): ClientCertificate | 'invalid' | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return undefined;
  // OpenSSL has checked the chain, the times, and what the certificate may be used for.
  if (!socket.authorized) return 'invalid';
  // Looked at again, because a session that goes on (RFC 8446, section 2.2) may be from before its end.
  const nowMs = Date.now();
  if (shown.validToDate.getTime() <= nowMs || shown.validFromDate.getTime() > nowMs) return 'invalid';
  const { CN: commonName } = shown.toLegacyObject().subject;
  if (typeof commonName !== 'string') return 'invalid';
  return {
    fingerprint: shown.fingerprint256.replaceAll(':', '').toLowerCase(),
    serialNumber: shown.serialNumber,
    commonName,
  };
}
