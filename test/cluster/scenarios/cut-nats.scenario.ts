import { setTimeout as sleep } from 'node:timers/promises';
import { type Scenario, someNode } from '../scenario.ts';

const CUT_MS = { from: 500, to: 20_000 };

/** One node and the bus lose each other; both reach the database. Now and then in one direction only. */
export const cutNats: Scenario = {
  name: 'cut-nats',
  async run(scene) {
    const node = someNode(scene);
    const direction = scene.chance.pick(['up', 'down', undefined, undefined] as const);
    const cutMs = scene.chance.between(CUT_MS.from, CUT_MS.to);
    scene.log(`${node.id} is cut off from NATS (${direction ?? 'both ways'}) for ${cutMs} ms`);
    node.cutFrom('nats', direction);
    await sleep(cutMs);
    await node.heal('nats');
  },
};
