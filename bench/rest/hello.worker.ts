/** moleculer-web's own hello: a gateway as its documentation makes it, in front of an action that answers with a text. */
import type { AddressInfo } from 'node:net';
import { type Service, ServiceBroker, type ServiceSchema } from 'moleculer';
import ApiGateway from 'moleculer-web';
import { serveWorker } from '../load/worker.ts';

const broker = new ServiceBroker({ logger: false });

const handlers = {
  /** Answers the port that it listens on. */
  async start(): Promise<number> {
    broker.createService({ name: 'greeter', actions: { hello: () => 'Hello from Moleculer' } });
    const settings = {
      port: 0,
      ip: '127.0.0.1',
      routes: [{ path: '/api', aliases: { 'GET /hello': 'greeter.hello' } }],
    };
    const web = broker.createService({
      name: 'api',
      mixins: [ApiGateway as unknown as ServiceSchema],
      settings: settings as ServiceSchema['settings'],
    }) as Service & { server: { address(): AddressInfo } };
    await broker.start();
    return web.server.address().port;
  },
};
export type HelloWorker = typeof handlers;

serveWorker(handlers, () => broker.stop());
