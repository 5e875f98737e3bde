/** MQTT 3.1.1 and 5, over TCP and WebSocket, with and without TLS. docs/mqtt.md tells what devices and applications see of it. */
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Client } from 'aedes';
import type { Revocation } from '../../../contracts/access.contract.ts';
import type { Delivery, Downlink } from '../../../contracts/downlinks.ts';
import type { HealthReport } from '../../../contracts/health.contract.ts';
import type { ApplicationClaim } from '../../../contracts/mqtt.contract.ts';
import { systemScheduler } from '../../system/ports.ts';
import type { ServerIdentity } from '../../tls/server-identity.ts';
import type { Protocol, ProtocolHost, SessionName } from '../protocol.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { goLive, isReadingPublish, sessionOf, takeOver } from './aedes-internals.ts';
import { ApplicationSession } from './application-session.ts';
import { Audience } from './audience.ts';
import { ConnectGate } from './connect-gate.ts';
import { Departures } from './departures.ts';
import { DeviceSession } from './device-session.ts';
import { type Figures, noFigures } from './figures.ts';
import { FittingDevices } from './fitting-devices.ts';
import { listenOnTcp, listenOnTls, listenOnWebSocket, type OpenListener, type Origin } from './listeners.ts';
import { type FrontBus, FrontNodes } from './nodes/front-nodes.ts';
import { nodeLimits } from './nodes/node-limits.ts';
import { QuietBroker } from './quiet-broker.ts';
import type { Surroundings, WantedSubscription } from './session.ts';
import { Sessions } from './sessions.ts';

export type MqttOptions = {
  readonly host: string;
  /** 0: a free one; `ports.mqtt` says which. */
  readonly port: number;
  /** The port of the listener with TLS, 0 likewise (`ports.mqtts`), and whose certificate it has. Absent: it does not listen. */
  readonly tls?: { readonly port: number; readonly identity: ServerIdentity };
  /** MQTT over WebSocket is at `/mqtt` of this server. Absent: TCP only. */
  readonly http?: Server;
  /** The way to the other nodes that speak MQTT. Absent: there are none. */
  readonly bus?: FrontBus;
};

/** Health says `degraded` for this long after QoS 0 was dropped. */
const DEGRADED_MS = 10_000;
/** Only aedes' own $SYS beats, which go nowhere, and its sweep of Wills, of which there are none. */
const HEARTBEAT_MS = 3_600_000;

/** Without a bus nobody else is ever there to be called. */
const NOBODY: FrontBus = {
  greet: () => Promise.reject(new Error('there is no bus')),
  forward: () => Promise.reject(new Error('there is no bus')),
  claim: () => {},
};

export class MqttProtocol implements Protocol {
  readonly ports: Record<string, number> = {};
  readonly #options: MqttOptions;
  readonly #host: ProtocolHost;
  readonly #figures: Figures = noFigures();
  readonly #connections = new Map<Client, Origin>();
  readonly #departures: Departures;
  readonly #sessions: Sessions;
  readonly #gate: ConnectGate;
  readonly #broker: QuietBroker;
  readonly nodes: FrontNodes;
  #listeners: OpenListener[] = [];
  #closing: Promise<void>[] = [];
  #lastIsGone: (() => void) | undefined;

  constructor(host: ProtocolHost, options: MqttOptions) {
    this.#host = host;
    this.#options = options;
    const figures = this.#figures;
    const audience = new Audience();
    const { place, limits } = host;
    this.nodes = new FrontNodes({ place, bus: options.bus ?? NOBODY, audience, figures, limits: nodeLimits(limits) });
    this.#departures = new Departures(host, systemScheduler);
    const around: Surroundings = {
      host,
      figures,
      acknowledgements: new Acknowledgements(),
      audience,
      departures: this.#departures,
      nodes: this.nodes,
      fitting: new FittingDevices(host),
    };
    this.#sessions = new Sessions(around);
    this.#gate = new ConnectGate(around, this.#sessions, this.#connections);
    this.#broker = this.#makeBroker();
  }

  async start(): Promise<void> {
    await this.#broker.listen();
    const { host, port, http, tls } = this.#options;
    const connected = (stream: Duplex, origin: Origin) => this.#connected(stream, origin);
    await this.nodes.start();
    try {
      const tcp = await listenOnTcp(host, port, this.#host.limits, connected);
      this.ports.mqtt = tcp.port!;
      this.#listeners = [tcp];
      if (tls) {
        const secured = await listenOnTls(host, tls.port, tls.identity, this.#host.limits, connected);
        this.ports.mqtts = secured.port!;
        this.#listeners.push(secured);
      }
      if (http) this.#listeners.push(listenOnWebSocket(http, this.#host.limits, connected));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  stopListening(): void {
    this.#gate.shut();
    this.#closing.push(...this.#listeners.splice(0).map(listener => listener.close()));
  }

  async stop(): Promise<void> {
    this.stopListening();
    const allGone = new Promise<void>(resolve => {
      this.#lastIsGone = resolve;
    });
    for (const client of [...this.#connections.keys()]) {
      const session = sessionOf(client);
      if (session) session.close('shutting_down');
      else client.close();
    }
    if (this.#connections.size > 0) await allGone;
    await Promise.all(this.#closing);
    // First what is being opened, which then ends at once; whatever the ingress does, a stop comes to its end.
    const ended = this.#gate.idle().then(() => this.#departures.idle());
    await within(this.#host.limits.commitPatienceSeconds * 1_000, ended);
    await this.nodes.stop();
    await new Promise<void>(resolve => this.#broker.close(() => resolve()));
  }

  closeReplaced(session: SessionName): void {
    this.#sessions.closeReplaced(session);
  }

  /** An application connected to another node. */
  claimed(claim: ApplicationClaim): void {
    this.#sessions.claimed(claim);
  }

  revoked(revocation: Revocation): void {
    this.#sessions.revoked(revocation);
  }

  deliver(downlink: Downlink): Delivery {
    return this.#sessions.deviceSession(downlink)?.deliver(downlink) ?? 'gone';
  }

  health(): HealthReport {
    const { qos0DroppedAtMs, ...counts } = this.#figures;
    const isShedding = this.#host.now() - qos0DroppedAtMs < DEGRADED_MS;
    return {
      condition: isShedding ? 'degraded' : 'healthy',
      ...(isShedding ? { detail: 'Messages of QoS 0 are being dropped: the system is overloaded' } : {}),
      figures: {
        port: this.ports.mqtt ?? 0,
        connections: this.#sessions.size,
        otherNodes: this.nodes.count,
        ...counts,
      },
    };
  }

  #makeBroker(): QuietBroker {
    const { limits, log } = this.#host;
    const broker = new QuietBroker({
      heartbeatInterval: HEARTBEAT_MS,
      connectTimeout: limits.connectTimeoutSeconds * 1000,
      drainTimeout: limits.subscriberDrainTimeoutSeconds * 1000,
      maximumPacketSize: limits.messageMaxBytes + limits.packetOverheadMaxBytes,
      maxTopicLevels: limits.topicMaxLevels,
      preConnect: (_client, packet, done) => {
        // The Will says nothing: presence comes from the session. So it is never kept, nor published.
        packet.will = undefined;
        done(null, true);
      },
      authenticate: (client, username, password, admit) => this.#gate.check(client, username, password, admit),
      // No publish gets here: see aedes-internals.ts.
      authorizePublish: (_client, _packet, done) => done(new Error('not allowed')),
      authorizeSubscribe: (client, wanted, done) => this.#subscribe(client, wanted, done),
    });
    broker.on('clientReady', goLive);
    broker.on('subscribe', (_subscriptions, client) => sessionOf(client)?.subscriptionsAnswered());
    broker.on('unsubscribe', (topics, client) => {
      const session = sessionOf(client);
      session?.unsubscribe(topics);
      session?.subscriptionsAnswered();
    });
    broker.on('clientError', (client, error) => this.#failed(client, error));
    broker.on('connectionError', (_client, err) => log.debug({ err }, 'a connection ended before it was let in'));
    (broker as unknown as NodeJS.EventEmitter).on('error', err => log.error({ err }, 'aedes reports a defect'));
    return broker;
  }

  /** An application's SUBACK comes when other nodes know of the subscription too. */
  #subscribe<W extends WantedSubscription>(
    client: Client,
    wanted: W,
    done: (error: null, granted: W | null) => void,
  ): void {
    const session = sessionOf(client);
    const isGranted = session?.subscribe(wanted) === true;
    const told = isGranted && session instanceof ApplicationSession ? this.nodes.told() : undefined;
    if (told === undefined) return done(null, isGranted ? wanted : null);
    void told.then(() => {
      if (!client.closed) done(null, wanted);
    });
  }

  #connected(stream: Duplex, origin: Origin): void {
    const { limits, log } = this.#host;
    // Beyond the limit a CONNECT is still answered; far beyond it nobody is listened to.
    if (this.#connections.size >= limits.connectionsMax + limits.authenticationsUnderWay) {
      stream.destroy();
      this.#figures.refusedConnects++;
      return;
    }
    const client = this.#broker.handle(stream);
    takeOver(client, err => log.error({ err, client: client.id }, 'a packet could not be handled'));
    this.#connections.set(client, origin);
    stream.once('close', () => this.#gone(client));
  }

  #gone(client: Client): void {
    this.#connections.delete(client);
    const session = sessionOf(client);
    if (session) this.#sessions.ended(session);
    if (this.#connections.size === 0) this.#lastIsGone?.();
  }

  /** aedes closes the connection; a message that it cut off for its size is kept as a dead letter first. */
  #failed(client: Client, error: Error & { size?: number; maximumPacketSize?: number; code?: string }): void {
    this.#host.log.debug({ err: error, client: client.id }, 'a connection failed');
    const session = sessionOf(client);
    if (!(session instanceof DeviceSession)) return;
    if (error.maximumPacketSize !== undefined && isReadingPublish(client))
      session.cutOffTooLarge(`The packet has ${error.size} bytes; the limit is ${error.maximumPacketSize}`);
    else if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      session.cutOffTooLarge('The WebSocket message is larger than four of the largest packets');
  }
}

/** Waits for it, but no longer than this. */
async function within(ms: number, done: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}
