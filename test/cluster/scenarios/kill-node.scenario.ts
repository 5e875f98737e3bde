import { type Scenario, someNode } from '../scenario.ts';

/** The machine of a node is gone. It comes back when the others have taken over. */
export const killNode: Scenario = {
  name: 'kill-node',
  async run(scene) {
    const node = someNode(scene);
    scene.log(`SIGKILL for ${node.id}`);
    await node.kill();
    await scene.settle();
  },
};
