import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../scenario.ts';

const NODES = 4;
/** The members have to be the same for 15 s before shards move to the new one. */
const SHARE_PATIENCE_MS = 40_000;

/** A fourth node joins and gets its share. When there are four already, the last leaves first. */
export const joinNode: Scenario = {
  name: 'join-node',
  async run({ cluster, log }) {
    let node = cluster.nodes[NODES - 1];
    if (node === undefined) {
      log(`n${NODES} joins`);
      node = await cluster.addNode();
    } else {
      log(`${node.id} leaves and joins again`);
      if (node.running) await node.stop();
      await node.start();
    }
    const endMs = performance.now() + SHARE_PATIENCE_MS;
    const count = async () => {
      const sql = 'SELECT count(*)::int AS count FROM shard WHERE holder = $1';
      return (await cluster.query<{ count: number }>(sql, [node.instanceId]))[0]!.count;
    };
    while ((await count()) === 0) {
      if (performance.now() > endMs)
        throw new Error(`${node.id} joined, and has no shard after ${SHARE_PATIENCE_MS} ms`);
      await sleep(100);
    }
    log(`${node.id} has its first shards`);
  },
};
