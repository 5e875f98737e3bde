/** MQTT: devices and applications connect here. */
import type { ServiceBroker, ServiceSchema } from 'moleculer';
import { MqttProtocol } from '../adapters/protocols/mqtt/mqtt.protocol.ts';
import type { Place } from '../adapters/protocols/protocol.ts';
import { access } from '../contracts/access.contract.ts';
import { call, implement, on } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { HealthReport } from '../contracts/health.contract.ts';
import { mqtt } from '../contracts/mqtt.contract.ts';
import type { Ingress } from '../contracts/uplinks.ts';
import type { Fronts } from './fronts.ts';
import { frontBus, otherFrontNodes } from './mqtt/front-bus.ts';
import type { Node } from './node.ts';

const STARTING: HealthReport = { condition: 'unhealthy', detail: 'It is starting', figures: {} };
/** A session of an older connection: its owner refuses it anyway, so nobody waits for this for long. */
const CLOSE_TIMEOUT_MS = 2_000;

export function mqttService(
  { config, log, http }: Pick<Node, 'config' | 'log' | 'http'>,
  ingress: Ingress,
  place: Place,
  fronts: Pick<Fronts, 'add'>,
): ServiceSchema {
  let protocol: MqttProtocol | undefined;
  const running = (): MqttProtocol => {
    if (protocol === undefined) throw new SkeinError('unavailable', 'MQTT is starting or stopping here');
    return protocol;
  };
  const lookAround = (broker: ServiceBroker) => protocol?.nodes.others(otherFrontNodes(broker));
  return implement(
    mqtt,
    {
      health: () => protocol?.health() ?? STARTING,
      close: ctx => protocol?.closeReplaced(ctx.params),
      greet: ctx => running().nodes.greeted(ctx.params.greeting),
      forward: ctx => running().nodes.forwarded(ctx.params.forward),
    },
    {
      events: {
        ...on(access.revoked, ({ kind, tenant, subject, device }) => {
          const whose = kind === 'device' ? subject : device;
          if (whose !== undefined) protocol?.closeDevice(tenant, whose, 'revoked');
        }),
        ...on(mqtt.applicationConnected, claim => {
          if (claim.instance !== place.instanceId) protocol?.claimed(claim);
        }),
        '$services.changed': ctx => lookAround(ctx.broker),
        '$node.disconnected': ctx => protocol?.nodes.gone(ctx.params.node.id),
      },
      async started() {
        const { broker } = this;
        protocol = new MqttProtocol(
          {
            ingress,
            place,
            closeElsewhere: (nodeID, session) => {
              const closed = call(broker, mqtt.close, session, { nodeID, timeout: CLOSE_TIMEOUT_MS });
              closed.catch(err => log.debug({ err, nodeID }, 'a replaced session could not be closed on its node'));
            },
            authenticate: (key, username) => call(broker, access.verify, { key, username }),
            limits: config.limits,
            log,
            now: Date.now,
          },
          { host: config.host, port: config.mqttPort, http, bus: frontBus(broker) },
        );
        lookAround(broker);
        this.leaveFronts = fronts.add(protocol);
        await protocol.start();
        this.ports = protocol.ports;
        this.stopListening = () => protocol?.stopListening();
      },
      async stopped() {
        await protocol?.stop();
        this.leaveFronts?.();
        protocol = undefined;
      },
    },
  );
}
