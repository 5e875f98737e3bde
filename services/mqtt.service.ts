/** MQTT: devices and applications connect here. */
import type { ServiceSchema } from 'moleculer';
import { MqttProtocol } from '../adapters/protocols/mqtt/mqtt.protocol.ts';
import { access } from '../contracts/access.contract.ts';
import { call, implement, on } from '../contracts/contract.ts';
import type { HealthReport } from '../contracts/health.contract.ts';
import { mqtt } from '../contracts/mqtt.contract.ts';
import type { Ingress } from '../contracts/uplinks.ts';
import type { Node } from './node.ts';

const STARTING: HealthReport = { condition: 'unhealthy', detail: 'It is starting', figures: {} };

export function mqttService(
  { config, log, http }: Pick<Node, 'config' | 'log' | 'http'>,
  ingress: Ingress,
): ServiceSchema {
  let protocol: MqttProtocol | undefined;
  return implement(
    mqtt,
    {
      health: () => protocol?.health() ?? STARTING,
    },
    {
      events: on(access.revoked, ({ tenant, device }) => protocol?.closeDevice(tenant, device, 'revoked')),
      async started() {
        protocol = new MqttProtocol(
          {
            ingress,
            authenticate: (key, username) => call(this.broker, access.verify, { key, username }),
            limits: config.limits,
            log,
            now: Date.now,
          },
          { host: config.host, port: config.mqttPort, http },
        );
        await protocol.start();
        this.ports = protocol.ports;
      },
      async stopped() {
        await protocol?.stop();
      },
    },
  );
}
