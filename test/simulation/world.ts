/** A simulated world: everything that there is, and what happens to it. */
import type { Limits } from '../../contracts/limits.ts';
import type { Uplink } from '../../contracts/uplinks.ts';
import { type Chance, chanceOf } from './chance.ts';
import { Invariants } from './invariants.ts';
import type { Mutation } from './mutations.ts';
import { type Fault, limitsOfPlan, type Noise, type Plan, QUIET } from './plan.ts';
import { SimBus } from './sim-bus.ts';
import { SimClock } from './sim-clock.ts';
import { SimDatabase } from './sim-database.ts';
import { SimDevice } from './sim-device.ts';
import { SimProcess } from './sim-process.ts';
import { SimRequests } from './sim-requests.ts';
import { Trace } from './trace.ts';

const RESTART_MS = 700;

export class World {
  readonly plan: Plan;
  readonly mutation: Mutation;
  readonly limits: Limits;
  readonly noise: Noise;
  readonly clock = new SimClock();
  readonly netChance: Chance;
  readonly trace: Trace;
  readonly bus: SimBus<SimProcess>;
  readonly database: SimDatabase;
  readonly invariants: Invariants;
  readonly devices: readonly SimDevice[];
  readonly requests: SimRequests;
  /** Those that did not end. */
  readonly processes = new Set<SimProcess>();
  readonly #runs = new Map<string, number>();
  #isHealed = false;
  /** When the last process ended. */
  lastEndMs = 0;

  constructor(plan: Plan, mutation: Mutation, traceLines: number) {
    this.plan = plan;
    this.mutation = mutation;
    this.limits = limitsOfPlan(plan);
    this.noise = { ...plan.noise };
    this.netChance = chanceOf(plan.seed, 'network');
    this.trace = new Trace(() => this.clock.nowMs, traceLines);
    this.bus = new SimBus(this.clock, chanceOf(plan.seed, 'bus'), this.noise);
    this.invariants = new Invariants(this);
    this.database = new SimDatabase({
      clock: this.clock,
      chance: chanceOf(plan.seed, 'database'),
      noise: this.noise,
      limits: this.limits,
      faults: mutation.database ?? {},
      committed: (instance, lane, written) => this.invariants.committed(instance, lane, written),
    });
    this.devices = plan.devices.map((device, number) => new SimDevice(this, number, device));
    this.requests = new SimRequests(this);
  }

  begin(): void {
    for (let i = 0; i < this.plan.processes; i++) this.#startProcess(`node-${i}`);
    for (const device of this.devices) device.start();
    this.requests.begin();
    for (const fault of this.plan.faults) this.clock.after(fault.atMs, null, () => this.#happen(fault));
  }

  /** From now on nothing goes wrong any more. */
  heal(): void {
    this.#isHealed = true;
    this.trace.note('world', 'heal');
    Object.assign(this.noise, QUIET);
    for (const process of [...this.processes]) this.#restore(process);
    for (const nodeId of this.#runs.keys()) this.#startAgain(nodeId);
  }

  somebodyToConnectTo(chance: Chance): SimProcess | undefined {
    const open = [...this.processes].filter(it => it.front.isAccepting);
    return open.length > 0 ? chance.pick(open) : undefined;
  }

  ended(process: SimProcess): void {
    this.processes.delete(process);
    this.bus.leave(process);
    this.invariants.ended(process);
    this.requests.ended(process);
    this.lastEndMs = this.clock.nowMs;
    // Somebody sees to it that a process that ended by itself is started again; one that was killed has its time.
    this.clock.after(RESTART_MS, null, () => {
      if (!this.#downUntil.has(process.nodeId)) this.#startAgain(process.nodeId);
    });
  }
  readonly #downUntil = new Set<string>();

  readonly defect = (error: unknown, uplink: Uplink): void => {
    this.invariants.violated('defect', `${uplink.address.key}: ${(error as Error).stack}`);
  };

  #startProcess(nodeId: string): void {
    const run = (this.#runs.get(nodeId) ?? 0) + 1;
    this.#runs.set(nodeId, run);
    this.processes.add(new SimProcess(this, nodeId, run));
  }

  #startAgain(nodeId: string): void {
    this.#downUntil.delete(nodeId);
    if (![...this.processes].some(it => it.nodeId === nodeId)) this.#startProcess(nodeId);
  }

  #restore(process: SimProcess): void {
    process.link.heal();
    this.bus.heal(process);
    for (const work of process.life.resume()) this.clock.after(0, process.life, work);
  }

  #happen(fault: Fault): void {
    this.trace.note('world', JSON.stringify(fault));
    if (fault.kind === 'restart-database') return this.database.restart(fault.forMs);
    if (fault.kind === 'join') return this.#startProcess(`node-${this.#runs.size}`);
    if (fault.kind === 'blip') return this.devices[fault.device]!.blip();
    if (fault.kind === 'change') return this.#change(this.devices[fault.device]!);
    for (const process of [...this.processes])
      if (process.nodeId === `node-${fault.process}`) this.#befall(process, fault);
  }

  #befall(process: SimProcess, fault: Extract<Fault, { readonly process: number }>): void {
    const { kind } = fault;
    if (kind === 'step-clock') {
      process.clockOffMs += fault.byMs;
      return;
    }
    if (kind === 'kill' || kind === 'stop') {
      this.#downUntil.add(process.nodeId);
      this.clock.after(fault.forMs, null, () => this.#startAgain(process.nodeId));
      return kind === 'kill' ? process.kill('killed') : process.stop();
    }
    if (kind === 'cut-bus') this.bus.cut(process, fault.ways);
    if (kind === 'cut-store') process.link.cut(fault.ways);
    if (kind === 'pause' || kind === 'replace') process.life.pause();
    if (kind === 'replace') this.#startProcess(process.nodeId);
    this.clock.after(fault.forMs, null, () => this.#restore(process));
  }

  /** The row of a device was changed over REST: its owner hears of it, or not. */
  #change(device: SimDevice): void {
    for (const process of this.processes) this.bus.tell(process, process.address, it => it.changed(device.address.key));
  }

  get isHealed(): boolean {
    return this.#isHealed;
  }
}
