import { type Scenario, someNode } from '../scenario.ts';

/** A process crashes and its supervisor starts it again at once, under the same node id. */
export const restartNode: Scenario = {
  name: 'restart-node',
  async run(scene) {
    const node = someNode(scene);
    scene.log(`SIGKILL for ${node.id}, started again at once`);
    await node.kill();
    await node.start();
  },
};
