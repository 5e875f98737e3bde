/** Queues commands for devices that are away: one job over REST for each of the planned commands. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlannedCommand } from './command-plan.ts';

export type Rest = { readonly httpPort: number; readonly adminKey: string };
type Job = { readonly id: string; readonly state: string; readonly total: number; readonly done: number };

/** Longer than any measurement. */
const TTL_MS = 6 * 3_600_000;
const LOOK_EVERY_MS = 500;
const NO_PROGRESS_MS = 60_000;

/** Resolves when every device with the tag has every command. Rejects when a job does not get on, or not all of it is done. */
export async function queueForAll(
  rest: Rest,
  tag: string,
  plan: readonly PlannedCommand[],
  devices: number,
): Promise<void> {
  const ids: string[] = [];
  for (const { priority, rank } of plan) {
    const command = { command: 'return', parameters: { rank }, priority, ttlMs: TTL_MS };
    const { id } = await ask(rest, 'POST', '/jobs', { target: { tag }, command });
    ids.push(id);
  }
  for (const id of ids) {
    const { total, done } = await ended(rest, id);
    if (total !== devices || done !== devices)
      throw new Error(`Of ${devices} items of job ${id}, which has ${total}, ${done} were done`);
  }
}

async function ended(rest: Rest, id: string): Promise<Job> {
  let done = 0;
  for (let sinceMs = performance.now(); ; await sleep(LOOK_EVERY_MS)) {
    const job = await ask(rest, 'GET', `/jobs/${id}`);
    if (job.state !== 'running') return job;
    if (job.done > done) sinceMs = performance.now();
    done = job.done;
    if (performance.now() - sinceMs > NO_PROGRESS_MS) throw new Error(`Job ${id} stays at ${done} of ${job.total}`);
  }
}

async function ask({ httpPort, adminKey }: Rest, method: string, path: string, body?: object): Promise<Job> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Job;
}
