/** Devices that come back: they connect within a while, answer each command at once, and keep the times at which commands came. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MqttLink } from '../../load/mqtt-link.ts';
import { serveWorker } from '../../load/worker.ts';
import { Arrivals, type ArrivalsReport } from './arrivals.ts';

export type ReturningDevices = {
  /** Device `i` connects to port `i % ports.length`. */
  readonly ports: readonly number[];
  readonly devices: readonly { readonly deviceId: string; readonly password: string }[];
  /** One after the other, evenly over this time. */
  readonly withinMs: number;
};

/** Devices that are on their way in at the same time: so many that slow ones do not keep others from setting out when it is their turn. */
const CONNECTING_AT_ONCE = 5_000;
const links: MqttLink[] = [];
const arrivals = new Arrivals();

const handlers = {
  /** Resolves when each of them has subscribed to its commands. */
  async connect({ ports, devices, withinMs }: ReturningDevices): Promise<void> {
    const beganMs = performance.now();
    const waiting = devices.entries();
    const opener = async () => {
      for (const [i, device] of waiting) {
        const earlyMs = beganMs + (i * withinMs) / devices.length - performance.now();
        if (earlyMs > 0) await sleep(earlyMs);
        links.push(await returning(ports[i % ports.length]!, device));
      }
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, opener));
  },
  /** How many different commands came so far. */
  commands: (): number => arrivals.commands,
  report: (): ArrivalsReport => arrivals.report(),
};
export type ReturningDevicesWorker = typeof handlers;

const ATTEMPTS_MAX = 20;
const LONGEST_WAIT_MS = 2_000;

type Message = { readonly id: string; readonly attempt: number; readonly parameters: { readonly rank: number } };

async function returning(port: number, { deviceId, password }: ReturningDevices['devices'][number]): Promise<MqttLink> {
  const topic = `devices/${deviceId}/commands/ack`;
  const receive = (_: string, payload: Buffer) => {
    const { id, attempt, parameters } = JSON.parse(payload.toString()) as Message;
    arrivals.take(deviceId, { id, attempt, rank: parameters.rank }, Date.now());
    return { topic, payload: `{"id":"${id}","status":"succeeded"}` };
  };
  const link = await letIn(() => MqttLink.open({ port, username: deviceId, password, receive }));
  await link.subscribe(`devices/${deviceId}/commands`);
  return link;
}

/** Too many at once are told to come again, and do so after a random time. */
async function letIn(open: () => Promise<MqttLink>): Promise<MqttLink> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (attempt === ATTEMPTS_MAX) throw error;
      await sleep(Math.random() * LONGEST_WAIT_MS);
    }
  }
}

serveWorker(handlers, () => {
  for (const link of links) link.close();
});
