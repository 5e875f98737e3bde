import { type Scenario, someNode } from '../scenario.ts';

/** A node is stopped in order: it hands off its shards before it goes. */
export const leaveNode: Scenario = {
  name: 'leave-node',
  async run(scene) {
    const node = someNode(scene);
    scene.log(`SIGTERM for ${node.id}`);
    const { code, signal } = await node.stop();
    if (code !== 0) throw new Error(`${node.id} ended with ${code ?? signal} after SIGTERM:\n${node.output()}`);
    await scene.settle();
  },
};
