/** Starts nodes that ended, as what runs them in production does, and notes those that ended by themselves. */
import type { Cluster } from '../support/cluster.ts';
import type { ClusterNode } from '../support/cluster-node.ts';

/** It found out that it may not write any more. Any other end of its own is a crash. */
const FENCED_EXIT_CODE = 3;

export class Supervisor {
  readonly #cluster: Cluster;
  #ownEnds: string[] = [];
  #crashes: string[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async startThoseThatEndedThemselves(): Promise<void> {
    await this.#start(node => node.ownEnd !== undefined);
  }

  /** Also those that a scenario ended. */
  async startEnded(): Promise<void> {
    await this.#start(() => true);
  }

  /** What was noted since the last time. */
  takeEnds(): { ownEnds: string[]; crashes: string[] } {
    const taken = { ownEnds: this.#ownEnds, crashes: this.#crashes };
    this.#ownEnds = [];
    this.#crashes = [];
    return taken;
  }

  /** Stops all that run, one after the other. Answers in words what did not end in order. */
  async stopAll(): Promise<string[]> {
    const bad: string[] = [];
    for (const node of this.#cluster.nodes) {
      // One may have ended while those before it were being stopped.
      const exit = node.running ? await node.stop().catch((error: Error) => error) : node.ownEnd;
      if (exit === undefined) continue;
      if (exit instanceof Error) bad.push(`${node.id}: ${exit.message}`);
      else if (exit.code !== 0) bad.push(`${node.id} ended with ${exit.code ?? exit.signal}:\n${node.output()}`);
    }
    return bad;
  }

  async #start(wanted: (node: ClusterNode) => boolean): Promise<void> {
    const ended = this.#cluster.nodes.filter(node => !node.running && wanted(node));
    for (const node of ended) this.#note(node);
    await Promise.all(ended.map(node => node.start()));
  }

  #note(node: ClusterNode): void {
    const { id, ownEnd } = node;
    if (ownEnd === undefined) return;
    const what = `${ownEnd.code ?? ownEnd.signal}`;
    this.#ownEnds.push(`${id}:${what}`);
    if (ownEnd.code !== FENCED_EXIT_CODE) this.#crashes.push(`${id} crashed with ${what}:\n${node.output()}`);
  }
}
