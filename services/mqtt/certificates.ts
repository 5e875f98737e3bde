/** Certificates, for those who connect by MQTT. */
import type { ServiceBroker } from 'moleculer';
import type { MqttOptions } from '../../adapters/protocols/mqtt/mqtt.protocol.ts';
import type { ProtocolHost } from '../../adapters/protocols/protocol.ts';
import type { ServerIdentity } from '../../adapters/tls/server-identity.ts';
import type { Config } from '../../config.ts';
import { access } from '../../contracts/access.contract.ts';
import { certificates } from '../../contracts/certificates.contract.ts';
import { call } from '../../contracts/contract.ts';
import { isErrorType, SkeinError } from '../../contracts/errors.ts';

export const certificatesOf = (broker: ServiceBroker): NonNullable<ProtocolHost['certificates']> => ({
  authenticate: (certificate, username, presented, isFresh) =>
    call(broker, access.verifyCertificate, {
      certificate,
      ...(username !== undefined && { username }),
      presented,
      isFresh,
    }),
  renew: (principal, csr) =>
    call(broker, certificates.renew, { id: principal.device, csr }, { meta: { principal } }).catch(error => {
      const { type } = error as { type?: string };
      if (type === 'VALIDATION_ERROR') throw new SkeinError('invalid_request', 'The CSR is too long');
      if (isErrorType(type)) throw error;
      throw new SkeinError('unavailable', 'No node can renew certificates just now');
    }),
});

/** It listens when the process has a certificate, and a port for it. */
export const listenerWithTls = (
  { mqttsPort }: Config,
  identity: ServerIdentity | undefined,
): Pick<MqttOptions, 'tls'> =>
  identity === undefined || mqttsPort === undefined ? {} : { tls: { port: mqttsPort, identity } };
