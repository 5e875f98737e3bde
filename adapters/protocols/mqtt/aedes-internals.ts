/**
 * Everything of aedes (2.0.0-beta.1, pinned) that Skein touches beside its documented interface. A PUBLISH never takes
 * aedes' own way: that way throws away what has a wildcard before any hook sees it, asks `authorizePublish` again for a
 * redelivered QoS 2 message, makes several promises and closures for each message, reads on only when the slowest
 * subscriber has taken it, and drops QoS 1 messages that QoS 0 ones overtake (`dedupe`). So PUBLISH and PUBREL go from the
 * parser to the session, and a PUBLISH to a client from its outbox to the socket; PUBACK and PUBCOMP go to the session as well, because aedes
 * would tell of them after packets that came behind them. CONNECT, SUBSCRIBE, PING, the keep alive, and all that is sent besides, are aedes'.
 *
 * What is touched, and why:
 * - `client._parser`, its only `packet` listener, its `parse`, its `packet`: to take those packets out, and to keep a
 *   defect in handling one connection's packet from ending the process.
 * - `client._parsingBatch`: how many packets are being handled; aedes reads on at 0.
 * - `client._nextBatch()`: one packet is done. It also listens to `readable`, where it counts every chunk that arrives as
 *   a packet done, so that a sender which is not yet acknowledged is read on without end: `onReadable` takes its place.
 * - `client._keepaliveTimer`, `client._keepaliveInterval`: what does not take its way is a sign of life too [MQTT-3.1.2-24].
 * - `client._disconnected`: whether a DISCONNECT came, or the connection just ended.
 * - `client.waitForDrain`: waits for a socket that takes nothing, with the timeout that cuts it off.
 */
import type { EventEmitter } from 'node:events';
import type { Client } from 'aedes';
import { FIRST_REFUSAL, SUCCESS } from './reasons.ts';
import type { Session } from './session.ts';

/** A packet as mqtt-packet makes it. `length` is what stood in its fixed header. */
export type Inbound = {
  readonly cmd: string;
  readonly length: number;
  readonly qos: 0 | 1 | 2;
  readonly messageId?: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly reasonCode?: number;
};

type Parser = EventEmitter & { client: Inside; packet: Partial<Inbound> | null; parse(bytes: Uint8Array): number };
type PacketListener = (this: Parser, packet: Inbound) => void;
type Inside = Client & {
  readonly broker: { readonly queueLimit: number };
  readonly _parser: Parser;
  _parsingBatch: number;
  readonly _nextBatch: (error?: Error) => void;
  readonly _keepaliveInterval: number;
  readonly _keepaliveTimer: NodeJS.Timeout | null;
  readonly _disconnected: boolean;
  waitForDrain(drained: (error: Error | null) => void): void;
  [LINK]: Link;
};
/** What we know of a connection. `early`: what came behind CONNECT and before CONNACK was sent. */
type Link = {
  session: Session | undefined;
  isLive: boolean;
  early: Inbound[] | undefined;
  readonly aedes: PacketListener;
  readonly defect: (error: unknown) => void;
};
const LINK = Symbol('skein');
const inside = (client: Client): Inside => client as Inside;

/**
 * Stands between a new connection and aedes. Throws when aedes is not as described above.
 *
 * @param defect told what handling a packet threw; the connection is closed by then
 */
export function takeOver(client: Client, defect: (error: unknown) => void): void {
  const it = inside(client);
  const listeners = it._parser.listeners('packet');
  const isKnown = it._parsingBatch === 1 && it.conn.listeners('readable').includes(it._nextBatch);
  if (listeners.length !== 1 || !isKnown || typeof it.waitForDrain !== 'function')
    throw new Error('aedes has changed inside: see adapters/protocols/mqtt/aedes-internals.ts');
  it[LINK] = {
    session: undefined,
    isLive: false,
    early: undefined,
    aedes: listeners[0] as PacketListener,
    defect,
  };
  it._parser.removeAllListeners('packet').on('packet', onPacket);
  it._parser.parse = parseSafely;
  // aedes begins at 1 and lets the first `readable` count it down.
  it._parsingBatch = 0;
  it.conn.removeListener('readable', it._nextBatch).on('readable', onReadable);
}

/** The session that a connection was given when its key was found good. */
export const sessionOf = (client: Client): Session | undefined => inside(client)[LINK]?.session;

export function giveSession(client: Client, session: Session): void {
  inside(client)[LINK].session = session;
}

/** CONNACK is sent: what came early is handled now, then everything as it comes. */
export function goLive(client: Client): void {
  const { [LINK]: link, _parser: parser } = inside(client);
  link.isLive = true;
  const early = link.early ?? [];
  link.early = undefined;
  try {
    for (const packet of early) if (!client.closed) dispatch(parser, link, packet);
  } catch (error) {
    link.defect(error);
    client.close();
  }
}

/** The client ended its connection with a DISCONNECT. */
export const saidGoodbye = (client: Client): boolean => inside(client)._disconnected;

/** One PUBLISH or PUBREL is done. When it was the last of those read, aedes reads on. */
export const packetDone = (client: Client): void => inside(client)._nextBatch();

export function signOfLife(client: Client): void {
  const { _keepaliveInterval, _keepaliveTimer } = inside(client);
  if (_keepaliveInterval > 0) _keepaliveTimer?.refresh();
}

/** Calls back when the socket takes bytes again. One that does not in time is cut off. */
export const whenDrained = (client: Client, drained: () => void): void =>
  inside(client).waitForDrain(error => {
    if (error === null) drained();
  });

/** What aedes is reading: it cuts a packet off that is too large, and says only how large. */
export const isReadingPublish = (client: Client): boolean => inside(client)._parser.packet?.cmd === 'publish';

function onPacket(this: Parser, packet: Inbound): void {
  const { client } = this;
  const link = client[LINK];
  if (link.isLive || !client.connecting) return dispatch(this, link, packet);
  link.early ??= [];
  if (link.early.length < client.broker.queueLimit) link.early.push(packet);
  else this.emit('error', new Error('too many packets before CONNACK'));
}

function dispatch(parser: Parser, link: Link, packet: Inbound): void {
  const { client } = parser;
  if (link.isLive && packet.cmd === 'publish') {
    client._parsingBatch++;
    signOfLife(client);
    link.session!.publish(packet);
  } else if (link.isLive && packet.cmd === 'pubrel') {
    client._parsingBatch++;
    signOfLife(client);
    link.session!.release(packet);
  } else if (link.isLive && (packet.cmd === 'puback' || packet.cmd === 'pubcomp')) {
    signOfLife(client);
    link.session!.acknowledged(packet.messageId!, (packet.reasonCode ?? SUCCESS) >= FIRST_REFUSAL);
  } else {
    // Section 4.3.3: a PUBREC that refuses ends it, and frees the packet identifier.
    if (link.isLive && packet.cmd === 'pubrec' && (packet.reasonCode ?? SUCCESS) >= FIRST_REFUSAL)
      link.session!.acknowledged(packet.messageId!, true);
    link.aedes.call(parser, packet);
  }
}

function parseSafely(this: Parser, bytes: Uint8Array): number {
  try {
    return Object.getPrototypeOf(this).parse.call(this, bytes);
  } catch (error) {
    this.client[LINK].defect(error);
    this.emit('error', error);
    return 0;
  }
}

/** While packets are being handled nothing is read: TCP then holds the sender back. */
function onReadable(this: { client: Inside }): void {
  if (this.client._parsingBatch <= 0) this.client._nextBatch();
}
