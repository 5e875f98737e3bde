/** Devices that answer each command at once: `succeeded`. Their acknowledgement of the PUBLISH and their answer are one write. */
import { MqttLink } from '../load/mqtt-link.ts';
import { serveWorker } from '../load/worker.ts';

export type AnsweringDevices = {
  readonly port: number;
  readonly devices: readonly { readonly deviceId: string; readonly password: string }[];
};

/** Connections being opened at the same time: less than any listen backlog. */
const CONNECTING_AT_ONCE = 32;
const links: MqttLink[] = [];

const handlers = {
  /** Resolves when each of them has subscribed to its commands. */
  async connect({ port, devices }: AnsweringDevices): Promise<void> {
    const waiting = devices.values();
    const opener = async () => {
      for (const { deviceId, password } of waiting) links.push(await answering(port, deviceId, password));
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, opener));
  },
};
export type AnsweringDevicesWorker = typeof handlers;

async function answering(port: number, deviceId: string, password: string): Promise<MqttLink> {
  const topic = `devices/${deviceId}/commands/ack`;
  const receive = (_: string, payload: Buffer) => {
    const { id } = JSON.parse(payload.toString()) as { id: string };
    return { topic, payload: `{"id":"${id}","status":"succeeded"}` };
  };
  const link = await MqttLink.open({ port, username: deviceId, password, receive });
  await link.subscribe(`devices/${deviceId}/commands`);
  return link;
}

serveWorker(handlers, () => {
  for (const link of links) link.close();
});
