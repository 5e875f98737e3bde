import { setTimeout as sleep } from 'node:timers/promises';
import { endsIfTakenOver, type Scenario, someNode } from '../scenario.ts';

/** Longer than the lease and its grace, so the others take over: 10 and 2 s. */
const PAUSE_MS = 20_000;

/** A node stands still (a virtual machine that is moved, a disk that hangs), and then goes on as if nothing had happened. */
export const pauseNode: Scenario = {
  name: 'pause-node',
  async run(scene) {
    const node = someNode(scene);
    scene.log(`SIGSTOP for ${node.id}`);
    node.pause();
    try {
      await sleep(PAUSE_MS);
    } finally {
      node.resume();
    }
    await endsIfTakenOver(scene, node);
  },
};
