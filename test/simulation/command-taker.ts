/** How a device takes commands: what it does, what it remembers of it, and what it answers. */
import type { AckStatus, CommandMessage } from '../../contracts/commands.ts';
import { jsonPayload } from '../../contracts/json.ts';
import type { Chance } from './chance.ts';
import type { DeviceOutbox } from './device-outbox.ts';
import { EPOCH_MS } from './messages.ts';
import type { TakingPlan } from './request-plan.ts';
import type { SimDevice } from './sim-device.ts';
import type { World } from './world.ts';

export type TakerParts = {
  readonly world: World;
  readonly device: SimDevice;
  readonly plan: TakingPlan;
  readonly chance: Chance;
  readonly outbox: DeviceOutbox;
};

export class CommandTaker {
  readonly #parts: TakerParts & { readonly restart: () => void };
  /** How often it did each: the truth, of which the device itself may know nothing. */
  readonly done = new Map<string, number>();
  /** What a library device stores before it begins (null), and when it has an answer. */
  readonly #ledger = new Map<string, AckStatus | null>();
  readonly #open = new Set<string>();
  #queue: CommandMessage[] = [];
  /** Grows with each restart: what was begun before is not gone on with. */
  #run = 0;

  constructor(parts: TakerParts & { readonly restart: () => void }) {
    this.#parts = parts;
  }

  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  received(message: CommandMessage): void {
    const { id } = message;
    if (this.#open.has(id)) return;
    const known = this.#ledger.get(id);
    if (known) return this.#answer(id, known);
    this.#open.add(id);
    this.#queue.push(message);
    if (this.#queue.length === 1) this.#next();
  }

  restarted(): void {
    this.#run++;
    this.#open.clear();
    this.#queue = [];
    for (const [id, answer] of this.#ledger) if (answer === null) this.#conclude(id, 'unknown');
  }

  /** One after the other. */
  #next(): void {
    const [message] = this.#queue;
    if (!message) return;
    const { world, chance, plan } = this.#parts;
    const run = this.#run;
    const refusal = plan.kind === 'library' ? this.#refusalOf(message) : undefined;
    if (refusal !== undefined) return this.#end(message.id, refusal);
    if (plan.kind === 'library') this.#ledger.set(message.id, null);
    if (plan.accepts) this.#answer(message.id, 'accepted');
    world.clock.after(plan.workMs * chance.span(0.5, 1.5), null, () => {
      if (run === this.#run) this.#work(message.id);
    });
  }

  #refusalOf({ id, deadline }: CommandMessage): AckStatus | undefined {
    if (this.#ledger.has(id)) return 'unknown';
    return Date.parse(deadline) <= EPOCH_MS + this.#parts.world.clock.nowMs ? 'rejected' : undefined;
  }

  #work(id: string): void {
    const { chance, plan, device, world, restart } = this.#parts;
    const isCrash = chance.happens(plan.crashes);
    if (isCrash && chance.happens(0.3)) return restart();
    const times = (this.done.get(id) ?? 0) + 1;
    this.done.set(id, times);
    world.trace.note(device.name, `does ${id}`);
    if (plan.kind === 'library' && times > 1) world.invariants.violated('commands', `${device.name} did ${id} twice`);
    if (isCrash) return restart();
    this.#end(id, chance.happens(0.8) ? 'succeeded' : 'failed');
  }

  #end(id: string, status: AckStatus): void {
    this.#queue.shift();
    this.#open.delete(id);
    this.#conclude(id, status);
    this.#next();
  }

  #conclude(id: string, status: AckStatus): void {
    if (this.#parts.plan.kind === 'library') this.#ledger.set(id, status);
    this.#answer(id, status);
  }

  #answer(id: string, status: AckStatus): void {
    const { outbox, world, device } = this.#parts;
    outbox.append('ack', jsonPayload({ id, status, result: 1 }), () =>
      world.invariants.commands.answerIsStored(device, id, status),
    );
  }
}
