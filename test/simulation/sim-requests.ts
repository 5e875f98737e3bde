/** The applications of a simulated world: each asks some node, and asks again when it can't know what became of it. */
import type { CommandOrder } from '../../contracts/commands.ts';
import { jsonPayload } from '../../contracts/json.ts';
import type { CommandAnswer, DeviceRequest } from '../../contracts/requests.ts';
import type { DesiredAnswer } from '../../contracts/twins.ts';
import { type DeviceAddress, type Outcome, UNKNOWN, type Uplink } from '../../contracts/uplinks.ts';
import { type Chance, chanceOf } from './chance.ts';
import type { CommandRequest, RequestPlan } from './request-plan.ts';
import type { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

type Asked = { readonly process: SimProcess; readonly resolve: (outcome: Outcome) => void };
type Of<K extends RequestPlan['kind']> = Extract<RequestPlan, { kind: K }>;

export class SimRequests {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #asked = new Set<Asked>();
  /** By the number of the request: the command that came of it, as far as its application knows. */
  readonly #known = new Map<number, string>();
  #open = 0;

  constructor(world: World) {
    this.#world = world;
    this.#chance = chanceOf(world.plan.seed, 'applications');
  }

  get areOver(): boolean {
    return this.#open === 0;
  }

  begin(): void {
    for (const plan of this.#world.plan.requests) {
      this.#open++;
      this.#world.clock.after(plan.atMs, null, () => {
        this.#ask(plan).then(
          () => this.#open--,
          error => this.#world.invariants.violated('defect', `request ${plan.number}: ${(error as Error).stack}`),
        );
      });
    }
  }

  /** Nobody answers those any more that it was asked. */
  ended(process: SimProcess): void {
    for (const it of this.#asked) if (it.process === process) it.resolve(UNKNOWN);
  }

  #ask(plan: RequestPlan): Promise<void> {
    if (plan.kind === 'command') return this.#command(plan);
    return plan.kind === 'cancel' ? this.#cancel(plan) : this.#desire(plan);
  }

  async #command(plan: CommandRequest): Promise<void> {
    const { invariants, database } = this.#world;
    let job: CommandOrder | undefined;
    for (;;) {
      const process = await this.#node();
      const before = plan.key === null ? undefined : database.tables.commandByKey(plan.key);
      if (before) return invariants.commands.repeated(plan, before, this.#note(plan, before.id));
      if (this.#chance.happens(0.5)) await this.#pause(0, 5);
      const order: CommandOrder = job ?? this.#order(process, plan);
      if (plan.isJob) job = order;
      const notify = this.#chance.happens(0.3) ? process.address : null;
      const outcome = await this.#request(process, this.#address(plan.device), { type: 'command', order, notify });
      if (outcome.state === 'answered') return this.#answered(plan, order, outcome.answer as CommandAnswer);
      if (outcome.state === 'rejected') return invariants.commands.rejected(order, outcome);
      if (outcome.state !== 'overloaded' && plan.key === null && job === undefined) return;
      await this.#pause(100, 2_000);
    }
  }

  #answered(plan: CommandRequest, order: CommandOrder, answer: CommandAnswer): void {
    const { commands } = this.#world.invariants;
    if ('error' in answer) commands.refused(order, answer.error);
    else commands.taken(order, answer.progress, this.#note(plan, answer.progress.id));
  }

  /** Answers what its application knew before. */
  #note(plan: CommandRequest, id: string): string {
    const known = this.#known.get(plan.number) ?? id;
    this.#known.set(plan.number, id);
    return known;
  }

  async #cancel({ of }: Of<'cancel'>): Promise<void> {
    const { invariants, database } = this.#world;
    for (let id = this.#known.get(of); id !== undefined; ) {
      const { address } = database.tables.deviceOfCommand(id)!;
      const request = { type: 'cancel', id, reason: 'cancelled' } as const;
      const outcome = await this.#request(await this.#node(), address, request);
      if (outcome.state === 'answered') return invariants.commands.cancelled(id, outcome.answer as CommandAnswer);
      await this.#pause(100, 2_000);
    }
  }

  async #desire({ device, patch, version }: Of<'desired'>): Promise<void> {
    const { invariants, database } = this.#world;
    const address = this.#address(device);
    for (;;) {
      const now = database.tables.find(address.key).twin?.desired.version ?? 0;
      const wanted = { any: {}, current: { version: now }, stale: { version: now - 1 } }[version];
      const outcome = await this.#request(await this.#node(), address, { type: 'desired', patch, ...wanted });
      if (outcome.state === 'answered')
        return invariants.twins.desired(address.key, outcome.answer as DesiredAnswer, version === 'stale');
      await this.#pause(100, 2_000);
    }
  }

  #order(process: SimProcess, plan: CommandRequest): CommandOrder {
    const { mode, priority, ttlMs, supersedes, key, device } = plan;
    const createdAtMs = process.clock.nowMs();
    return {
      id: timeId(createdAtMs, this.#chance),
      shard: this.#address(device).shard,
      name: 'do',
      parametersJson: '{}',
      mode,
      priority,
      supersedes,
      createdAtMs,
      deadlineMs: createdAtMs + ttlMs,
      idempotencyKey: key,
      requestHash: key === null ? null : hashOf(plan),
      jobId: null,
      resendOf: null,
      requestedBy: 'somebody',
    };
  }

  #address(device: number): DeviceAddress {
    return this.#world.devices[device]!.address;
  }

  async #node(): Promise<SimProcess> {
    for (;;) {
      const process = this.#world.somebodyToConnectTo(this.#chance);
      if (process) return process;
      await this.#pause(100, 1_000);
    }
  }

  #pause(fromMs: number, toMs: number): Promise<void> {
    return new Promise(resolve => void this.#world.clock.after(this.#chance.span(fromMs, toMs), null, resolve));
  }

  /** What becomes of it, as far as the node that was asked can tell. */
  #request(process: SimProcess, address: DeviceAddress, request: DeviceRequest): Promise<Outcome> {
    const { invariants, trace } = this.#world;
    if (process.life.isDead) return Promise.resolve(UNKNOWN);
    const receivedAtMs = process.clock.nowMs();
    const payload = jsonPayload(request);
    const uplink: Uplink = { address, session: 0, receivedAtMs, kind: 'request', topic: '', contentType: '', payload };
    const withheld = invariants.withhold(process, uplink);
    return new Promise(resolve => {
      const asked = { process, resolve };
      this.#asked.add(asked);
      process.router.receive(uplink, outcome => {
        this.#asked.delete(asked);
        if (process.life.isDead) return;
        trace.note(process.name, `${Buffer.from(payload)}: ${JSON.stringify(outcome)}`);
        invariants.settled(withheld, outcome);
        resolve(outcome);
      });
    });
  }
}

/** What makes two requests the same. */
export const hashOf = ({ device, mode, priority, ttlMs, supersedes }: CommandRequest): string =>
  JSON.stringify([device, mode, priority, ttlMs, supersedes]);

/** Like a UUID of version 7: in the order of their times. */
function timeId(atMs: number, chance: Chance): string {
  const time = atMs.toString(16).padStart(12, '0');
  const rest = Math.floor(chance.next() * 2 ** 48)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${rest}`;
}
