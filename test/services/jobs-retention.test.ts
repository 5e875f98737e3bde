import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call } from '../../contracts/contract.ts';
import { retention } from '../../contracts/retention.contract.ts';
import { retentionService } from '../../services/retention.service.ts';
import { jobsOf, registerMany, startFleetNode } from './fleet-node.ts';
import { ask } from './rest-node.ts';

test('a job goes with its items when it ended long ago; one that runs or ended lately stays', async t => {
  const node = await startFleetNode();
  t.after(() => node.stop());
  node.broker.createService(retentionService(node));
  await node.broker.waitForServices('retention');
  const jobs = jobsOf(node);
  await registerMany(node, ['a', 'b', 'c'], { tags: ['all'] });
  const make = async (): Promise<string> => (await jobs.ended(await jobs.desire({ tag: 'all' }, { a: 1 }))).id;
  const [old, late, running] = [await make(), await make(), await make()];
  const days = (id: string, sql: string) => node.database.query(`UPDATE job SET ${sql} WHERE job_id = $1`, [id]);
  await days(old, `ended_at = now() - interval '91 days'`);
  await days(late, `ended_at = now() - interval '89 days'`);
  await days(running, `created_at = now() - interval '91 days', ended_at = NULL, due_at = now() + interval '1 day'`);
  const removed = await call(node.broker, retention.sweep, {});
  assert.deepEqual([removed.job, removed.job_item], [1, 3]);
  const { body } = await ask(node, 'GET /api/v1/jobs');
  assert.deepEqual(
    body.items.map((it: { id: string }) => it.id),
    [running, late],
  );
  assert.equal((await jobs.itemsOf(late)).length, 3);
});
