/** Two small nodes on one bus, set up as Skein sets up its own. */
import { ServiceBroker, type ServiceSchema } from 'moleculer';
import { readConfig } from '../../../config.ts';
import { brokerOptions } from '../../../moleculer.config.ts';

/** A node that is connected, with these services. Its logs go nowhere. */
export async function startBroker(natsUrl: string, address: string, services: ServiceSchema[] = []) {
  const config = readConfig({ NATS_URL: natsUrl, DATABASE_URL: 'postgres://127.0.0.1/none' });
  const broker = new ServiceBroker({ ...brokerOptions(config, address), logger: false });
  for (const service of services) broker.createService(service);
  await broker.start();
  return broker;
}

/** Looks again and again until it is so; a test that waits in vain is ended by its time limit. */
export async function until(isSo: () => unknown): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 20));
}
