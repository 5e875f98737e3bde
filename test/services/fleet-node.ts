/** A node behind REST that also has types of devices, groups and jobs. */
import { randomUUID } from 'node:crypto';
import { readJsonPayload } from '../../contracts/json.ts';
import type { DeviceRequest } from '../../contracts/requests.ts';
import type { Ingress, Outcome } from '../../contracts/uplinks.ts';
import { deviceTypesService } from '../../services/device-types.service.ts';
import { groupsService } from '../../services/groups.service.ts';
import { jobsService } from '../../services/jobs.service.ts';
import { type Answer, ask, type RestNode, type RestNodeOptions, register, startRestNode } from './rest-node.ts';

export type FleetNode = RestNode & { readonly instanceId: string; readonly real: Ingress };

/** @param between stands between the jobs and the actors */
export async function startFleetNode(
  options: RestNodeOptions = {},
  between: (real: Ingress) => Ingress = it => it,
): Promise<FleetNode> {
  let real: Ingress | undefined;
  const ingress = (it: Ingress) => {
    real = it;
    return it;
  };
  const node = await startRestNode({ ...options, ingress });
  const instanceId = randomUUID();
  node.broker.createService(deviceTypesService(node));
  node.broker.createService(groupsService(node));
  node.broker.createService(jobsService({ ...node, instanceId }, between(real!)));
  await node.broker.waitForServices(['device-types', 'groups', 'jobs']);
  return { ...node, instanceId, real: real! };
}

export async function registerMany(node: RestNode, ids: readonly string[], fields: object = {}): Promise<void> {
  const waiting = ids.values();
  const worker = async () => {
    for (const id of waiting) await register(node, id, fields);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

const PATIENCE_MS = 20_000;
/** Asks for the job again and again until it is as wanted. */
export async function jobWhen(
  node: RestNode,
  id: string,
  isWanted: (job: Answer['body']) => boolean,
): Promise<Answer['body']> {
  for (const untilMs = Date.now() + PATIENCE_MS; ; ) {
    const { body } = await ask(node, `GET /api/v1/jobs/${id}`);
    if (isWanted(body)) return body;
    if (Date.now() > untilMs) throw new Error(`It stayed ${JSON.stringify(body)}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
export const jobEnded = (node: RestNode, id: string) => jobWhen(node, id, it => it.endedAt !== null);

export const counts = ({ state, total, pending, done, refused }: Record<string, unknown>) => [
  state,
  total,
  pending,
  done,
  refused,
];

/** What tests of jobs say again and again. */
export const jobsOf = (node: RestNode) => {
  const create = (body: unknown, headers?: Record<string, string>, key?: string) =>
    ask(node, 'POST /api/v1/jobs', { body, headers, key });
  return {
    create,
    reboot: (target: unknown) => create({ target, command: { command: 'reboot' } }),
    desire: (target: unknown, patch: object) => create({ target, desired: { patch } }),
    /** The job when it has ended, from the answer that it was made. */
    ended: (answer: Answer) => {
      if (answer.status !== 202) throw new Error(JSON.stringify(answer.body));
      return jobEnded(node, answer.body.id);
    },
    itemsOf: async (id: string, query = ''): Promise<Record<string, unknown>[]> =>
      (await ask(node, `GET /api/v1/jobs/${id}/items?limit=100${query}`)).body.items,
    commandsOf: (id: string) =>
      node.database.query<{ device_id: string; command_id: string; mode: string; priority: number }>(
        `SELECT device_id, command_id, mode, priority FROM command JOIN device USING (device_uid)
         WHERE job_id = $1 ORDER BY device_id`,
        [id],
      ),
  };
};

/** Small numbers, so that a few devices are many, and what is tried again is tried soon. */
export const SMALL_JOBS = {
  SKEIN_LIMIT_JOB_MAX_DEVICES: '20',
  SKEIN_LIMIT_JOB_ITEMS_UNDER_WAY: '3',
  SKEIN_LIMIT_JOB_POLL_MS: '20',
  SKEIN_LIMIT_JOB_RETRY_MS: '20',
  SKEIN_LIMIT_COMMIT_PATIENCE_SECONDS: '1',
};

/** What jobs ask of actors, to be seen and, where a test says so, answered by somebody else. */
export class Overheard {
  readonly requests: { readonly device: string; readonly request: DeviceRequest }[] = [];
  /** What becomes of a request instead; undefined: its actor answers. */
  instead: (device: string, request: DeviceRequest) => Outcome | undefined = () => undefined;
  /** What its sender hears of an answer. */
  heard: (device: string, outcome: Outcome) => Outcome = (_device, outcome) => outcome;

  /** To be given to the node. */
  readonly between = (real: Ingress): Ingress => ({
    load: () => real.load(),
    receive: (uplink, settled) => {
      const { device } = uplink.address;
      const request = readJsonPayload<DeviceRequest>(uplink.payload);
      this.requests.push({ device, request });
      const outcome = this.instead(device, request);
      if (outcome !== undefined) settled(outcome);
      else real.receive(uplink, it => settled(this.heard(device, it)));
    },
  });

  of(device: string): DeviceRequest[] {
    return this.requests.filter(it => it.device === device).map(it => it.request);
  }

  /** Everything is as usual again. */
  reset(): void {
    this.requests.length = 0;
    this.instead = () => undefined;
    this.heard = (_device, outcome) => outcome;
  }
}
