/** MQTT 3.1.1 and 5, over TCP and WebSocket. docs/mqtt.md tells what devices and applications see of it. */
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Client } from 'aedes';
import type { HealthReport } from '../../../contracts/health.contract.ts';
import type { CloseReason, Protocol, ProtocolHost } from '../protocol.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { goLive, isReadingPublish, sessionOf, takeOver } from './aedes-internals.ts';
import { ApplicationSession } from './application-session.ts';
import { Audience } from './audience.ts';
import { ConnectGate } from './connect-gate.ts';
import { DeviceSession } from './device-session.ts';
import { type Figures, noFigures } from './figures.ts';
import { listenOnTcp, listenOnWebSocket, type OpenListener } from './listeners.ts';
import { QuietBroker } from './quiet-broker.ts';
import type { Surroundings } from './session.ts';
import { Sessions } from './sessions.ts';

export type MqttOptions = {
  readonly host: string;
  /** 0: a free one; `ports.mqtt` says which. */
  readonly port: number;
  /** MQTT over WebSocket is at `/mqtt` of this server. Absent: TCP only. */
  readonly http?: Server;
};

/** Health says `degraded` for this long after QoS 0 was dropped. */
const DEGRADED_MS = 10_000;
/** Only aedes' own $SYS beats, which go nowhere, and its sweep of Wills, of which there are none. */
const HEARTBEAT_MS = 3_600_000;

export class MqttProtocol implements Protocol {
  readonly ports: Record<string, number> = {};
  readonly #options: MqttOptions;
  readonly #host: ProtocolHost;
  readonly #figures: Figures = noFigures();
  readonly #connections = new Set<Client>();
  readonly #sessions: Sessions;
  readonly #gate: ConnectGate;
  readonly #broker: QuietBroker;
  #listeners: OpenListener[] = [];
  #lastIsGone: (() => void) | undefined;

  constructor(host: ProtocolHost, options: MqttOptions) {
    this.#host = host;
    this.#options = options;
    const around: Surroundings = {
      host,
      figures: this.#figures,
      acknowledgements: new Acknowledgements(),
      audience: new Audience(),
    };
    this.#sessions = new Sessions(around);
    this.#gate = new ConnectGate(around, this.#sessions, this.#connections);
    this.#broker = this.#makeBroker();
  }

  async start(): Promise<void> {
    await this.#broker.listen();
    const { host, port, http } = this.#options;
    const connected = (stream: Duplex) => this.#connected(stream);
    try {
      const tcp = await listenOnTcp(host, port, this.#host.limits, connected);
      this.ports.mqtt = tcp.port!;
      this.#listeners = [tcp];
      if (http) this.#listeners.push(listenOnWebSocket(http, this.#host.limits, connected));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const closed = this.#listeners.map(listener => listener.close());
    this.#listeners = [];
    const allGone = new Promise<void>(resolve => {
      this.#lastIsGone = resolve;
    });
    for (const client of [...this.#connections]) {
      const session = sessionOf(client);
      if (session) session.close('shutting_down');
      else client.close();
    }
    if (this.#connections.size > 0) await allGone;
    await Promise.all(closed);
    await new Promise<void>(resolve => this.#broker.close(() => resolve()));
  }

  closeDevice(tenant: string, device: string, reason: CloseReason): void {
    this.#sessions.closeDevice(tenant, device, reason);
  }

  health(): HealthReport {
    const { qos0DroppedAtMs, ...counts } = this.#figures;
    const isShedding = this.#host.now() - qos0DroppedAtMs < DEGRADED_MS;
    return {
      condition: isShedding ? 'degraded' : 'healthy',
      ...(isShedding ? { detail: 'Messages of QoS 0 are being dropped: the system is overloaded' } : {}),
      figures: { port: this.ports.mqtt ?? 0, connections: this.#sessions.size, ...counts },
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
      authorizeSubscribe: (client, wanted, done) =>
        done(null, sessionOf(client)?.subscribe(wanted) === true ? wanted : null),
    });
    broker.on('clientReady', goLive);
    broker.on('unsubscribe', (topics, client) => sessionOf(client)?.unsubscribe(topics));
    broker.on('ack', (_packet, client) => {
      const session = sessionOf(client);
      if (session instanceof ApplicationSession) session.acknowledged();
    });
    broker.on('clientError', (client, error) => this.#failed(client, error));
    broker.on('connectionError', (_client, err) => log.debug({ err }, 'a connection ended before it was let in'));
    (broker as unknown as NodeJS.EventEmitter).on('error', err => log.error({ err }, 'aedes reports a defect'));
    return broker;
  }

  #connected(stream: Duplex): void {
    const { limits, log } = this.#host;
    // Beyond the limit a CONNECT is still answered; far beyond it nobody is listened to.
    if (this.#connections.size >= limits.connectionsMax + limits.authenticationsUnderWay) {
      stream.destroy();
      this.#figures.refusedConnects++;
      return;
    }
    const client = this.#broker.handle(stream);
    takeOver(client, err => log.error({ err, client: client.id }, 'a packet could not be handled'));
    this.#connections.add(client);
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
