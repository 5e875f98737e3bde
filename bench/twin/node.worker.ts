/** A node of Skein as `main.ts` starts it, in a process that can also call its actions from inside. */
import { ServiceBroker } from 'moleculer';
import pino from 'pino';
import { readConfig } from '../../config.ts';
import { access, type Principal } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { twins } from '../../contracts/twins.contract.ts';
import { type RunningNode, runNode } from '../../services/run-node.ts';
import { closedLoop, type LoopFigures } from '../load/closed-loop.ts';
import { serveWorker } from '../load/worker.ts';

/** A running node keeps its broker to itself; so it is looked at where every broker starts. */
const brokers: ServiceBroker[] = [];
const start = ServiceBroker.prototype.start;
ServiceBroker.prototype.start = function (this: ServiceBroker) {
  brokers.push(this);
  return start.call(this);
};

export type StartOptions = { readonly env: Readonly<Record<string, string>> };
export type TouchOptions = { readonly devices: number; readonly key: string };
export type ReadOptions = TouchOptions & { readonly underWay: number; readonly seconds: number };

/** Devices being loaded at once: as many as a query loads. */
const TOUCHES_UNDER_WAY = 500;
let node: RunningNode | undefined;

const handlers = {
  /** Answers where it listens for MQTT. */
  async start({ env }: StartOptions): Promise<number> {
    const config = readConfig({ SKEIN_LOG_LEVEL: 'error', ...env });
    const log = pino({ level: config.logLevel }, pino.destination(2));
    node = await runNode(config, log, why => {
      log.fatal(why);
      process.exit(3);
    });
    return node.mqttPort!;
  },

  /**
   * Asks the actor of each device d1 to d<devices> for a change that changes nothing: so it is loaded with its twin, and stays in memory.
   * Answers the seconds that it took.
   */
  async touch({ devices, key }: TouchOptions): Promise<number> {
    const beganMs = performance.now();
    const meta = { principal: await principalOf(key) };
    let touched = 0;
    const touch = async () => {
      while (touched < devices)
        await call(brokers[0]!, twins.patchDesired, { id: `d${++touched}`, patch: {} }, { meta });
    };
    await Promise.all(Array.from({ length: TOUCHES_UNDER_WAY }, touch));
    return (performance.now() - beganMs) / 1_000;
  },

  /** Reads twins of random devices through the action, as another service of this node would. */
  async read({ devices, key, underWay, seconds }: ReadOptions): Promise<LoopFigures> {
    const meta = { principal: await principalOf(key) };
    return closedLoop(underWay, seconds, async () => {
      const id = `d${1 + Math.floor(Math.random() * devices)}`;
      const twin = await call(brokers[0]!, twins.get, { id }, { meta });
      if (twin.reportedVersion < 1) throw new Error('A device without its twin');
      await turn();
    });
  },
};
export type NodeWorker = typeof handlers;

const principalOf = (key: string): Promise<Principal> => call(brokers[0]!, access.verify, { key });

let turning: Promise<void> | undefined;
/** What is answered from memory never waits: without this the reads would leave the node no time for anything else, its lease included. */
function turn(): Promise<void> {
  turning ??= new Promise(resolve =>
    setImmediate(() => {
      turning = undefined;
      resolve();
    }),
  );
  return turning;
}

serveWorker(handlers, () => node?.stop());
