/** A device renews its certificate over its own connection: it publishes a request, and the answer comes at a topic of its own. */
import type { DevicePrincipal } from '../../../contracts/access.contract.ts';
import { ERRORS, errorTypeOf } from '../../../contracts/errors.ts';
import type { ProtocolHost } from '../protocol.ts';
import { NOT_AUTHORIZED } from './reasons.ts';
import type { WrongPublish } from './wrong-publish.ts';

type Certificates = NonNullable<ProtocolHost['certificates']>;
/** What of a session it needs. */
export type Renewing = {
  readonly certificates: Certificates;
  readonly principal: DevicePrincipal;
  /** Hands the device its answer, as JSON. */
  readonly tell: (answer: string) => void;
};

export const renewTopic = (device: string): string => `devices/${device}/certificates/renew`;
export const renewedTopic = (device: string): string => `devices/${device}/certificates/renewed`;

/** A certificate that its device never sees would replace the one that it has. */
export const notSubscribed = (device: string): WrongPublish => ({
  refusal: {
    reason: 'topic_forbidden',
    detail: `Subscribe to ${renewedTopic(device)} first: the certificate comes there`,
  },
  answer: NOT_AUTHORIZED,
  close: 'not_authorized',
});

/** One at a time for each connection. */
export class Renewal {
  readonly #around: Renewing;
  #isUnderWay = false;

  constructor(around: Renewing) {
    this.#around = around;
  }

  /** Resolves when the certificate is stored and its answer on the way, or the refusal. */
  async take(payload: Uint8Array): Promise<void> {
    const { tell } = this.#around;
    if (this.#isUnderWay) return tell(refusal('rate_limited', 'A renewal is under way on this connection'));
    this.#isUnderWay = true;
    try {
      tell(await this.#renewed(payload));
    } finally {
      this.#isUnderWay = false;
    }
  }

  async #renewed(payload: Uint8Array): Promise<string> {
    const { certificates, principal } = this.#around;
    const csr = requestIn(payload);
    if (csr === undefined) return refusal('invalid_request', 'Send a CSR in PEM, or {"csr": "<PEM>"}');
    try {
      const { certificate, pem, chain } = await certificates.renew(principal, csr);
      const { serialNumber, notAfter } = certificate;
      return JSON.stringify({ certificate: pem, chain, serialNumber, notAfter });
    } catch (error) {
      const type = errorTypeOf(error);
      return refusal(type, type === 'internal' ? 'It could not be renewed' : (error as Error).message);
    }
  }
}

const refusal = (type: keyof typeof ERRORS, detail: string): string =>
  JSON.stringify({ error: { type, detail, retry: ERRORS[type].retry } });

/** Undefined: there is none in it. */
function requestIn(payload: Uint8Array): string | undefined {
  const text = Buffer.from(payload).toString('utf8').trim();
  if (text.startsWith('-----BEGIN')) return text;
  try {
    const { csr } = JSON.parse(text) as { csr?: unknown };
    return typeof csr === 'string' ? csr : undefined;
  } catch {
    return undefined;
  }
}
