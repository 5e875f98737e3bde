/** What stands on the other side of the reference (ping-pong.ts): a broker and a device, in processes of their own, and a database. */
import { startWorker, type Worker } from '../measure/start-worker.ts';
import { type Databases, makeHome } from '../measure/subject-home.ts';
import type { AnsweringDevicesWorker } from './answering-devices.worker.ts';
import type { CallersWorker } from './callers.worker.ts';
import type { PingBrokerWorker } from './ping-broker.worker.ts';
import { PING_DEVICE, type PingFigures } from './ping-pong.ts';

export type Reference = {
  /** The callers are the ones that call Skein, too. */
  measure(callers: Worker<CallersWorker>, seconds: number): Promise<PingFigures>;
  stop(): Promise<void>;
};

export async function startReference(databases: Databases): Promise<Reference> {
  const home = await makeHome('ping', databases);
  const broker = startWorker<PingBrokerWorker>(new URL('./ping-broker.worker.ts', import.meta.url));
  const device = startWorker<AnsweringDevicesWorker>(new URL('./answering-devices.worker.ts', import.meta.url));
  const stop = async () => {
    await Promise.all([broker.stop(), device.stop()]);
    await home.remove();
  };
  try {
    const mqttPort = await broker.ask('port');
    await device.ask('connect', { port: mqttPort, devices: [{ deviceId: PING_DEVICE, password: 'none' }] });
    const measure: Reference['measure'] = (callers, seconds) =>
      callers.ask('pings', { mqttPort, databaseUrl: home.url!, seconds });
    return { measure, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
