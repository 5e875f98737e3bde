/** The commands service behind REST, with an actor that only keeps the books: so tests decide what becomes of each command. */
import { deviceAddress } from '../../contracts/addresses.ts';
import type { CommandOrder, CommandRecord, CommandState } from '../../contracts/commands.ts';
import { readJsonPayload } from '../../contracts/json.ts';
import { LIMITS } from '../../contracts/limits.ts';
import type { CommandAnswer, DeviceRequest } from '../../contracts/requests.ts';
import type { Ingress, Outcome, Uplink } from '../../contracts/uplinks.ts';
import { Waiters } from '../../mixins/waiters.ts';
import { commandsService } from '../../services/commands.service.ts';
import { type Answer, ask, type RestNode, type RestNodeOptions, startRestNode } from './rest-node.ts';

const ENDS_BADLY = new Set<CommandState>(['failed', 'rejected', 'expired', 'unknown']);

/** Answers as a device's actor does, for all devices. */
export class BookKeeper implements Ingress {
  readonly #node: RestNode;
  readonly #open = new Map<string, CommandRecord>();
  /** Requests as they came. */
  readonly asked: { device: string; request: DeviceRequest }[] = [];
  /** Answers instead, when set. */
  instead: Outcome | undefined;
  /** Called with each command when it is stored, before that is answered. */
  stored: (command: CommandRecord) => Promise<void> | void = () => {};

  constructor(node: RestNode) {
    this.#node = node;
  }

  load(): number {
    return 0;
  }

  receive(uplink: Uplink, settled: (outcome: Outcome) => void): void {
    const request = readJsonPayload<DeviceRequest>(uplink.payload);
    this.asked.push({ device: uplink.address.device, request });
    if (this.instead !== undefined) return settled(this.instead);
    this.#answer(uplink, request).then(settled, error => settled(refusedBy(error)));
  }

  /** The device has answered, or the time has. */
  async end(id: string, state: CommandState, { result, attempt = 1 }: { result?: unknown; attempt?: number } = {}) {
    const [row] = await this.#node.database.query<{ transitions: CommandRecord['transitions'] }>(
      'SELECT transitions FROM command WHERE command_id = $1',
      [id],
    );
    const atMs = Date.now();
    const transitions = [...row!.transitions, { state, atMs, attempt, reason: null }];
    await this.#node.database.query(
      `UPDATE command SET state = $2, attempt = $3, transitions = $4::jsonb, result = $5::jsonb,
         ended_at = to_timestamp($6::float8 / 1000), ended_badly = $7 WHERE command_id = $1`,
      [id, state, attempt, JSON.stringify(transitions), JSON.stringify(result ?? null), atMs, ENDS_BADLY.has(state)],
    );
    const ended = { ...this.#open.get(id)!, state, attempt, transitions, endedAtMs: atMs, result };
    this.#open.delete(id);
    return ended;
  }

  async #answer({ address }: Uplink, request: DeviceRequest): Promise<Outcome> {
    if (request.type === 'command') return answered(await this.#take(address.key, address.device, request.order));
    if (request.type !== 'cancel') throw new Error(request.type);
    const open = this.#open.get(request.id);
    if (open === undefined) return answered({ error: 'not_open', detail: 'It is not open' });
    const state = open.attempt === 0 ? 'cancelled' : 'unknown';
    return answered(progressOf(await this.end(open.id, state, { attempt: open.attempt })));
  }

  async #take(key: string, device: string, order: CommandOrder): Promise<CommandAnswer> {
    const shard = deviceAddress('default', device).shard;
    const open = [...this.#open.values()].filter(it => it.shard === shard);
    if (open.length >= LIMITS.deviceOpenCommands) return { error: 'too_many_open', detail: `${key} has enough` };
    const transitions = [{ state: 'queued', atMs: order.createdAtMs, attempt: 0, reason: null }] as const;
    const command: CommandRecord = { ...order, state: 'queued', attempt: 0, transitions, endedAtMs: null };
    await insert(this.#node, key.split('/')[0]!, device, command);
    this.#open.set(command.id, command);
    await this.stored(command);
    return progressOf(command);
  }
}

const answered = (answer: CommandAnswer): Outcome => ({ state: 'answered', answer });
const progressOf = ({ id, state, attempt, transitions }: CommandRecord): CommandAnswer => ({
  progress: { id, state, attempt, transitions },
});
const refusedBy = (error: { kind?: string }): Outcome =>
  error.kind === 'duplicate_key'
    ? { state: 'rejected', reason: 'refused_by_database', detail: 'it exists' }
    : { state: 'unknown' };

async function insert({ database }: RestNode, tenant: string, device: string, it: CommandRecord): Promise<void> {
  await database.query(
    `INSERT INTO command (command_id, tenant_id, device_uid, shard, name, parameters, mode, priority, supersedes,
       idempotency_key, request_hash, job_id, resend_of, requested_by, created_at, deadline_at, state, attempt, transitions)
     SELECT $1, tenant_id, device_uid, $4, $5, $6::json, $7, $8, $9, $10, $11, $12, $13, $14,
       to_timestamp($15::float8 / 1000), to_timestamp($16::float8 / 1000), $17, $18, $19::json
     FROM device JOIN tenant USING (tenant_id) WHERE slug = $2 AND device_id = $3`,
    [
      ...[it.id, tenant, device, it.shard, it.name, it.parametersJson, it.mode, it.priority, it.supersedes],
      ...[it.idempotencyKey, it.requestHash, it.jobId, it.resendOf, it.requestedBy, it.createdAtMs, it.deadlineMs],
      ...[it.state, it.attempt, JSON.stringify(it.transitions)],
    ],
  );
}

export type CommandsNode = RestNode & { readonly actors: BookKeeper; readonly waiters: Waiters };

export async function startCommandsNode(options: RestNodeOptions = {}): Promise<CommandsNode> {
  const node = await startRestNode(options);
  const actors = new BookKeeper(node);
  const waiters = new Waiters(node.config.limits.commandWaiters);
  node.broker.createService(commandsService({ ...node, address: node.config.nodeId }, actors, waiters));
  await node.broker.waitForServices('commands');
  return { ...node, actors, waiters };
}

type More = { key?: string; idempotencyKey?: string; query?: string };

export const send = (node: RestNode, device: string, body: unknown, more: More = {}): Promise<Answer> =>
  ask(node, `POST /api/v1/devices/${device}/commands${more.query ?? ''}`, {
    body,
    key: more.key,
    headers: more.idempotencyKey === undefined ? {} : { 'Idempotency-Key': more.idempotencyKey },
  });
