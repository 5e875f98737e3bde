/** MQTT: devices and applications connect here. */
import type { ServiceBroker, ServiceSchema } from 'moleculer';
import { type ConnectLimits, connectLimits } from '../adapters/limits/connect-limits.ts';
import { MqttProtocol } from '../adapters/protocols/mqtt/mqtt.protocol.ts';
import type { Place } from '../adapters/protocols/protocol.ts';
import { access } from '../contracts/access.contract.ts';
import { call, implement, on } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { HealthReport } from '../contracts/health.contract.ts';
import type { Limits } from '../contracts/limits.ts';
import { mqtt } from '../contracts/mqtt.contract.ts';
import type { Ingress } from '../contracts/uplinks.ts';
import { limitFor } from '../mixins/access-control.ts';
import { quotasOf } from '../mixins/quotas.ts';
import { RevocationFeed } from '../mixins/revocations.ts';
import type { Fronts } from './fronts.ts';
import { certificatesOf, listenerWithTls } from './mqtt/certificates.ts';
import { fittingIn } from './mqtt/fitting.ts';
import { frontBus, otherFrontNodes } from './mqtt/front-bus.ts';
import { ToldOnce } from './mqtt/told-once.ts';
import type { Node } from './node.ts';

/** Each node keeps the quota by itself: a way to Redis and back for each message would cost more than storing it. */
function messageQuotaIn(database: Node['database'], limits: Limits): (tenantId: number) => number | Promise<number> {
  const quotas = quotasOf(database, limits);
  return tenantId => {
    const found = quotas.of(tenantId);
    return found instanceof Promise ? found.then(it => it.messagesPerSecond) : found.messagesPerSecond;
  };
}

const STARTING: HealthReport = { condition: 'unhealthy', detail: 'It is starting', figures: {} };
/** A session of an older connection: its owner refuses it anyway, so nobody waits for this for long. */
const CLOSE_TIMEOUT_MS = 2_000;

export function mqttService(
  { config, database, log, http, tls }: Pick<Node, 'config' | 'database' | 'log' | 'http' | 'tls'>,
  ingress: Ingress,
  place: Place,
  fronts: Pick<Fronts, 'add'>,
): ServiceSchema {
  const { limits } = config;
  let protocol: MqttProtocol | undefined;
  let connects: ConnectLimits | undefined;
  const running = (): MqttProtocol => {
    if (protocol === undefined) throw new SkeinError('unavailable', 'MQTT is starting or stopping here');
    return protocol;
  };
  const told = new ToldOnce(limits.revocationsRemembered, limits.revocationLookBackSeconds);
  const feed = new RevocationFeed({
    database,
    pollMs: limits.revocationPollMs,
    lookBackSeconds: limits.revocationLookBackSeconds,
    onRevoked: it => told.byTable(it) && protocol?.revoked(it),
    onError: err => log.warn({ err }, 'could not look for what was revoked'),
  });
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
        ...on(access.revoked, it => {
          if (told.byBus(it)) protocol?.revoked(it);
        }),
        ...on(mqtt.applicationConnected, claim => {
          if (claim.instance !== place.instanceId) protocol?.claimed(claim);
        }),
        '$services.changed': ctx => lookAround(ctx.broker),
        '$node.disconnected': ctx => protocol?.nodes.gone(ctx.params.node.id),
      },
      async started() {
        const { broker } = this;
        connects = connectLimits(limits, config.redisUrl);
        protocol = new MqttProtocol(
          {
            ingress,
            place,
            closeElsewhere: (nodeID, session) => {
              const closed = call(broker, mqtt.close, session, { nodeID, timeout: CLOSE_TIMEOUT_MS });
              closed.catch(err => log.debug({ err, nodeID }, 'a replaced session could not be closed on its node'));
            },
            authenticate: (key, username, presented, isFresh) =>
              call(broker, access.verify, { key, username, presented, isFresh }),
            certificates: certificatesOf(broker),
            connectLimits: connects,
            limitOf: (principal, permission) => limitFor(principal, [permission]),
            fits: fittingIn(database),
            messageQuota: messageQuotaIn(database, limits),
            limits,
            log,
            now: Date.now,
          },
          { host: config.host, port: config.mqttPort, http, bus: frontBus(broker), ...listenerWithTls(config, tls) },
        );
        lookAround(broker);
        this.leaveFronts = fronts.add(protocol);
        // What was revoked just before is known before anybody connects.
        await feed.poll().catch(err => log.warn({ err }, 'could not look for what was revoked'));
        feed.start();
        await protocol.start();
        this.ports = protocol.ports;
        this.stopListening = () => protocol?.stopListening();
      },
      async stopped() {
        await feed.stop();
        await protocol?.stop();
        this.leaveFronts?.();
        protocol = undefined;
        connects?.close();
      },
    },
  );
}
