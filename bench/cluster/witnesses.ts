/** Devices that speak MQTT 5, in which a server says why it ends a connection, and that tell what they saw. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { connectPacket, RawClient } from '../../test/support/raw-client.ts';
import type { LoadDevice } from '../load/load.ts';

const PUBLISH_EVERY_MS = 100;
const VERSION = 5;
/** From here on a reason code is a failure: MQTT 5.0, 2.4. */
const FIRST_FAILURE = 0x80;
const SERVER_SHUTTING_DOWN = 0x8b;

/** What one client got, in words: `stayed`, or how its connection ended. */
export const ENDINGS = { stayed: 'stayed connected', toldToGo: 'DISCONNECT 0x8b, then closed' } as const;

type Seen = { readonly cmd: string; readonly reasonCode?: number };

/** Says how a connection went by what came over it; more than one thing is told when more than one was seen. */
export function describeConnection(packets: readonly Seen[], isClosed: boolean): string {
  const failures = packets.filter(it => it.cmd !== 'disconnect' && (it.reasonCode ?? 0) >= FIRST_FAILURE);
  const refused = failures.map(it => `${it.cmd} ${hex(it.reasonCode!)}`);
  const goodbye = packets.find(it => it.cmd === 'disconnect');
  return [...new Set(refused), ending(goodbye, isClosed)].join(', ');
}

function ending(goodbye: Seen | undefined, isClosed: boolean): string {
  if (goodbye === undefined) return isClosed ? 'closed without a word' : ENDINGS.stayed;
  if (!isClosed) return `DISCONNECT ${hex(goodbye.reasonCode ?? 0)}, but not closed`;
  return goodbye.reasonCode === SERVER_SHUTTING_DOWN
    ? ENDINGS.toldToGo
    : `DISCONNECT ${hex(goodbye.reasonCode ?? 0)}, then closed`;
}

const hex = (code: number): string => `0x${code.toString(16).padStart(2, '0')}`;

export type Witness = { describe(): string; stop(): void };

/** Connects once, and publishes until its connection ends. Rejects when it is not let in. */
export async function startWitness(port: number, { deviceId, username, password }: LoadDevice): Promise<Witness> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const client = new RawClient(socket, VERSION);
  client.send(connectPacket(VERSION, { clientId: deviceId, username, key: password }));
  const connack = await client.next();
  if (connack?.reasonCode !== 0) throw new Error(`Witness ${deviceId} was not let in: ${connack?.reasonCode}`);
  let lastId = 0;
  const timer = setInterval(() => {
    if (client.isClosed || !socket.writable) return;
    lastId = (lastId % 0xffff) + 1;
    client.publish(`devices/${deviceId}/telemetry`, '{"witness":1}', { messageId: lastId });
  }, PUBLISH_EVERY_MS);
  return {
    describe: () => describeConnection(client.packets, client.isClosed),
    stop() {
      clearInterval(timer);
      socket.destroy();
    },
  };
}

/** How often each thing was told. */
export function countAlike(told: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const it of told) counts[it] = (counts[it] ?? 0) + 1;
  return counts;
}
