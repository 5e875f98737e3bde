import { setTimeout as sleep } from 'node:timers/promises';
import { endsIfTakenOver, type Scenario, someNode } from '../scenario.ts';

const CUT_MS = { from: 500, to: 20_000 };

/** One node and the database lose each other; the bus reaches it still. Now and then in one direction only. */
export const cutPostgres: Scenario = {
  name: 'cut-postgres',
  async run(scene) {
    const node = someNode(scene);
    const direction = scene.chance.pick(['up', 'down', undefined, undefined] as const);
    const cutMs = scene.chance.between(CUT_MS.from, CUT_MS.to);
    scene.log(`${node.id} is cut off from PostgreSQL (${direction ?? 'both ways'}) for ${cutMs} ms`);
    node.cutFrom('database', direction);
    await sleep(cutMs);
    await node.heal('database');
    await endsIfTakenOver(scene, node);
  },
};
