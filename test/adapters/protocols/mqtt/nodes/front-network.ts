/** Nodes of one cluster without sockets: a network whose links a test cuts, and a clock that the test moves. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Audience, type LocalListener } from '../../../../../adapters/protocols/mqtt/audience.ts';
import { type Figures, noFigures } from '../../../../../adapters/protocols/mqtt/figures.ts';
import { FrontNodes } from '../../../../../adapters/protocols/mqtt/nodes/front-nodes.ts';
import { nodeLimits } from '../../../../../adapters/protocols/mqtt/nodes/node-limits.ts';
import { parseFilter } from '../../../../../adapters/protocols/mqtt/topic-filter.ts';
import { LIMITS } from '../../../../../contracts/limits.ts';
import { ManualTime } from '../../../../actors/runtime/manual-time.ts';

const CALL_TIMEOUT_MS = 1_000;

/** Notes what it gets. `missed` counts how often it would have been disconnected. */
export class Application implements LocalListener {
  readonly tenant: string;
  readonly got: string[] = [];
  missedCount = 0;
  subscriptions: LocalListener['subscriptions'] = new Map();

  constructor(tenant: string) {
    this.tenant = tenant;
  }

  deliver({ payload }: { payload: Uint8Array }): void {
    this.got.push(Buffer.from(payload).toString());
  }

  missed(): void {
    this.missedCount++;
  }
}

export class TestNode {
  readonly address: string;
  readonly audience = new Audience();
  readonly figures: Figures = noFigures();
  readonly nodes: FrontNodes;
  readonly claims: string[] = [];

  constructor(network: FrontNetwork, address: string, instanceId: string) {
    this.address = address;
    this.nodes = new FrontNodes({
      place: { instanceId, address, nodeId: address },
      audience: this.audience,
      figures: this.figures,
      limits: nodeLimits(LIMITS),
      clock: network.time,
      scheduler: network.time,
      bus: {
        greet: (to, greeting) => network.call(this, to, 'greet', node => node.nodes.greeted(greeting)),
        forward: (to, forward) => network.call(this, to, 'forward', node => node.nodes.forwarded(forward)),
        claim: ({ clientId }) => void this.claims.push(clientId),
      },
    });
  }

  /** An application that subscribes; it is told like a SUBACK when other nodes know. */
  subscribe(tenant: string, filter: string, qos: 0 | 1 = 1): { application: Application; granted: () => boolean } {
    const application = new Application(tenant);
    application.subscriptions = new Map([[filter, { filter: parseFilter(filter), qos, identifier: undefined }]]);
    this.audience.changed(application);
    let isGranted = false;
    void Promise.resolve(this.nodes.told()).then(() => {
      isGranted = true;
    });
    return { application, granted: () => isGranted };
  }

  unsubscribe(application: Application): void {
    application.subscriptions = new Map();
    this.audience.changed(application);
  }

  /** A device of this node sent something, and it is stored. */
  publish(tenant: string, topic: string, text: string, qos: 0 | 1 = 1): void {
    const message = { topic, payload: Buffer.from(text), qos, contentType: '' };
    for (const target of this.audience.targets(tenant, topic))
      target.listener.deliver(message, qos < target.qos ? qos : target.qos, target.identifiers);
  }
}

export class FrontNetwork {
  readonly time = new ManualTime();
  readonly #nodes = new Map<string, TestNode>();
  readonly #cut = new Set<string>();
  /** `from kind to` of every call. */
  readonly calls: string[] = [];
  readonly #dead = new Set<TestNode>();
  #runs = 0;

  /** A node that starts, and that all others hear of once it has. */
  async add(address: string): Promise<TestNode> {
    const node = new TestNode(this, address, `run-${++this.#runs}`);
    node.nodes.others([...this.#nodes.keys()].filter(it => it !== address));
    const started = node.nodes.start();
    await this.time.pass(CALL_TIMEOUT_MS);
    await started;
    this.#nodes.set(address, node);
    this.lookAround();
    await this.time.settle();
    return node;
  }

  /** Its process is killed, and the bus has noticed. */
  kill(address: string): void {
    this.vanish(address);
    this.lookAround();
    for (const { nodes } of this.#nodes.values()) nodes.gone(address);
  }

  /** Its process is killed, and nobody has noticed. */
  vanish(address: string): void {
    const node = this.#nodes.get(address);
    if (node !== undefined) this.#dead.add(node);
    this.#nodes.delete(address);
  }

  lookAround(): void {
    for (const [address, { nodes }] of this.#nodes) nodes.others([...this.#nodes.keys()].filter(it => it !== address));
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from} ${to}`);
  }

  heal(): void {
    this.#cut.clear();
  }

  count(call: string): number {
    return this.calls.filter(it => it === call).length;
  }

  /** A request or an answer that is lost ends as a timeout. */
  async call<T>(caller: TestNode, to: string, kind: string, handle: (node: TestNode) => T): Promise<T> {
    const from = caller.address;
    if (this.#dead.has(caller)) return this.#timeout();
    this.calls.push(`${from} ${kind} ${to}`);
    await nextTurn();
    const node = this.#nodes.get(to);
    if (node === undefined || this.#cut.has(`${from} ${to}`)) return this.#timeout();
    const answer = structuredClone(handle(node));
    return this.#cut.has(`${to} ${from}`) ? this.#timeout() : answer;
  }

  #timeout(): Promise<never> {
    return new Promise((_, reject) => void this.time.after(CALL_TIMEOUT_MS, () => reject(new Error('no answer'))));
  }
}
