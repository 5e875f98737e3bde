import type { Scenario } from '../scenario.ts';

/** A new version is rolled out: every node is stopped in order and started again, one after the other. */
export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  async run({ cluster, log }) {
    for (const node of cluster.nodes.filter(it => it.running)) {
      log(`SIGTERM for ${node.id}, and started again`);
      const { code, signal } = await node.stop();
      if (code !== 0) throw new Error(`${node.id} ended with ${code ?? signal} after SIGTERM:\n${node.output()}`);
      await node.start();
    }
  },
};
