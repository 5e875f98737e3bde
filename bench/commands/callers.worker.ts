/** Who calls: over HTTP the system, and over MQTT and with a database of its own the reference. */
import { closedLoop, type LoopFigures } from '../load/closed-loop.ts';
import { HttpConnection, requestBytes } from '../load/http-connection.ts';
import { serveWorker } from '../load/worker.ts';
import { measurePings } from './ping-pong.ts';

/** One call under way for each of the devices, each on a connection of its own. */
export type CallOptions = {
  readonly httpPort: number;
  readonly key: string;
  readonly deviceIds: readonly string[];
  readonly seconds: number;
};

const PING = '{"command":"ping","parameters":{}}';
const WAIT_SECONDS = 10;
const OK = 200;

const handlers = {
  /** Commands, each of which counts when the answer to its call says that it succeeded. */
  commands: (options: CallOptions): Promise<LoopFigures> =>
    call(options, id => ['POST', `/api/v1/devices/${id}/commands?wait=${WAIT_SECONDS}`, PING], '"state":"succeeded"'),
  /** The share of HTTP, the key and one query. */
  reads: (options: CallOptions): Promise<LoopFigures> => call(options, id => ['GET', `/api/v1/devices/${id}`, ''], ''),
  pings: measurePings,
};
export type CallersWorker = typeof handlers;

type Request = readonly [method: string, path: string, body: string];

/** @param contains what the body must have in it */
async function call(
  { httpPort, key, deviceIds, seconds }: CallOptions,
  requestOf: (deviceId: string) => Request,
  contains: string,
): Promise<LoopFigures> {
  const connections = await Promise.all(deviceIds.map(() => HttpConnection.open(httpPort)));
  const requests = deviceIds.map(id => {
    const [method, path, body] = requestOf(id);
    const type: Record<string, string> = body === '' ? {} : { 'Content-Type': 'application/json' };
    return requestBytes(method, path, { Authorization: `Bearer ${key}`, ...type }, body);
  });
  try {
    return await closedLoop(deviceIds.length, seconds, async place => {
      const { status, body } = await connections[place]!.ask(requests[place]!);
      if (status !== OK) throw new Error(`${status} ${typeOf(body)}`);
      if (!body.includes(contains)) throw new Error(`${status} without ${contains}`);
    });
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** The last part of the type of a problem document, or what state the command was in. */
const typeOf = (body: string): string =>
  /"type":"[^"]*?([^"/]+)"|"state":"(\w+)"/.exec(body)?.slice(1).find(Boolean) ?? '';

serveWorker(handlers);
