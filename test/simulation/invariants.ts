/** What must hold in every world, at every moment. The names are those of `docs/ARCHITECTURE.md`. */
import { isAcknowledged, type Outcome, type Uplink } from '../../contracts/uplinks.ts';
import { CommandInvariants } from './command-invariants.ts';
import { seqOf, seqOfEffects } from './messages.ts';
import type { SimDevice } from './sim-device.ts';
import type { SimProcess } from './sim-process.ts';
import type { Written } from './sim-tables.ts';
import { TwinInvariants } from './twin-invariants.ts';
import type { World } from './world.ts';

export type Violation = { readonly invariant: string; readonly atMs: number; readonly what: string };

/** An uplink whose sender was not answered yet. */
export type Withheld = {
  readonly process: SimProcess;
  readonly uplink: Uplink;
  readonly sinceMs: number;
  readonly label: string;
  readonly number: number;
  isSettled: boolean;
};

/** One is enough to fail; a few more may help to understand. */
const VIOLATIONS_MAX = 5;
/** What a host sends itself, a tick for each retry, waits in its lanes too while the database is away. */
const OWN_MESSAGES = 300;

export class Invariants {
  readonly #world: World;
  readonly violations: Violation[] = [];
  readonly withheld = new Set<Withheld>();
  readonly #settledUpTo = new Map<string, number>();
  readonly #stored = new Map<string, Set<number>>();
  readonly #rows = new Set<string>();
  readonly #plainRows = new Map<string, number>();
  readonly #sessions = new Set<string>();
  readonly commands: CommandInvariants;
  readonly twins: TwinInvariants;
  #number = 0;

  constructor(world: World) {
    this.#world = world;
    this.commands = new CommandInvariants(world);
    this.twins = new TwinInvariants(world);
  }

  violated(invariant: string, what: string): void {
    if (this.violations.length >= VIOLATIONS_MAX) return;
    this.violations.push({ invariant, atMs: this.#world.clock.nowMs, what });
    this.#world.trace.note('VIOLATED', `${invariant} ${what}`);
  }

  // At a front node: what devices are told.

  withhold(process: SimProcess, uplink: Uplink): Withheld {
    const label = uplink.kind === 'telemetry' ? `#${seqOf(uplink.payload)}` : '';
    const sinceMs = this.#world.clock.nowMs;
    const withheld = { process, uplink, sinceMs, label, number: this.#number++, isSettled: false };
    this.withheld.add(withheld);
    return withheld;
  }

  settled(withheld: Withheld, outcome: Outcome): void {
    const { process, uplink, label } = withheld;
    const { key } = uplink.address;
    const about = `${label} of ${key}/${uplink.session} at ${process.name}`;
    if (withheld.isSettled) this.violated('ingress', `settled twice: ${about}`);
    withheld.isSettled = true;
    this.withheld.delete(withheld);
    this.#settledInOrder(withheld, outcome);
    this.#answerIsTrue('I1', uplink, outcome, about);
    if (outcome.state !== 'opened') return;
    const session = `${key}/${outcome.session}`;
    if (this.#sessions.has(session)) this.violated('sessions', `two connections are ${session}`);
    this.#sessions.add(session);
  }

  /** Whoever acknowledges in the order of the answers must not confirm a message before an earlier one of the same session. */
  #settledInOrder({ process, uplink, number, label }: Withheld, outcome: Outcome): void {
    if (uplink.session === 0 || uplink.kind !== 'telemetry' || !isAcknowledged(outcome)) return;
    const key = `${process.name} ${uplink.address.key}/${uplink.session}`;
    if (number < (this.#settledUpTo.get(key) ?? -1))
      this.violated('ingress', `${key} ${label} was settled out of order`);
    this.#settledUpTo.set(key, number);
  }

  ended(process: SimProcess): void {
    for (const it of this.withheld) if (it.process === process) this.withheld.delete(it);
  }

  deviceForgets(device: SimDevice, seq: number): void {
    if (!this.#isStored(device.address.key, seq)) this.violated('I1', `${device.name} was told that #${seq} is stored`);
  }

  // At an owner: what leaves it.

  answered(process: SimProcess, uplink: Uplink, outcome: Outcome): void {
    this.#answerIsTrue(
      'I6',
      uplink,
      outcome,
      `an answer of ${process.name} to ${uplink.kind} of ${uplink.address.key}`,
    );
  }

  #answerIsTrue(invariant: string, { kind, address, payload }: Uplink, outcome: Outcome, about: string): void {
    if (!isAcknowledged(outcome)) return;
    if (kind === 'telemetry' && !this.#isStored(address.key, seqOf(payload)))
      this.violated(invariant, `${outcome.state}, but not in the database: ${about}`);
    if (outcome.state !== 'opened') return;
    const { session } = this.#world.database.tables.find(address.key);
    if (!session || session.session < outcome.session)
      this.violated(invariant, `session ${outcome.session} is not in the database: ${about}`);
  }

  #isStored(key: string, seq: number): boolean {
    return this.#stored.get(key)?.has(seq) === true;
  }

  // In the database, at every commit of a lane.

  committed(instance: string, lane: number, written: readonly Written[]): void {
    const { trace } = this.#world;
    trace.note('database', `commit ${instance.slice(0, 8)} ${lane} ${written.map(it => this.#describe(it)).join(' ')}`);
    for (const it of written) {
      this.#isFromTheHolder(instance, it);
      this.#isInOrder(it);
      this.#isOnce(it);
      this.commands.committed(it);
      this.twins.committed(it);
    }
  }

  #describe({ effects, points }: Written): string {
    const { session, twin, commands, deviceUid } = effects;
    const steps = commands.map(({ record: { id, state, attempt } }) => `${id} ${state} ${attempt}`);
    if (twin) steps.push(`${twin.step.document} ${twin.step.version}`);
    const what = seqOfEffects(effects) ?? session?.kind ?? (steps.join(', ') || 'nothing');
    return `${deviceUid}:${what}${points.length === 0 ? '-' : '+'}`;
  }

  /** I4, and that what the writer knows of the device was read in the epoch in which it writes. */
  #isFromTheHolder(instance: string, { effects }: Written): void {
    const { database, processes } = this.#world;
    const { key, shard } = database.tables.device(effects.deviceUid);
    const { holder, epoch } = database.ownership.shards[shard]!;
    if (holder !== instance)
      return this.violated('I4', `${instance} wrote ${key}, whose shard ${shard} is ${holder}'s`);
    const writers = [...processes].filter(it => it.instanceId === instance);
    const isCurrent = writers.some(it => it.readEpochs.get(key) === epoch);
    if (writers.length > 0 && !isCurrent)
      this.violated('I5', `${instance} wrote ${key} from the memory of an older epoch`);
  }

  /** I3: a message is not stored for the first time before all earlier ones of its device are. */
  #isInOrder({ effects }: Written): void {
    const seq = seqOfEffects(effects);
    if (seq === undefined) return;
    const { key } = this.#world.database.tables.device(effects.deviceUid);
    const stored = this.#stored.get(key) ?? new Set();
    this.#stored.set(key, stored);
    for (let before = 0; before < seq; before++)
      if (!stored.has(before)) return this.violated('I3', `#${seq} of ${key} was stored before #${before}`);
    stored.add(seq);
  }

  /** I2: a datapoint, and a message with an id, is one row; one with neither is at most one for each time that it was sent. */
  #isOnce({ effects, points }: Written): void {
    for (const { measurement, tsUs, messageId, value } of points) {
      const keys = [`${effects.deviceUid} ${measurement} at ${tsUs}`];
      if (messageId !== null) keys.push(`${effects.deviceUid} ${measurement} of ${messageId}`);
      for (const key of keys) {
        if (this.#rows.has(key)) this.violated('I2', `two rows: ${key}`);
        this.#rows.add(key);
      }
      if (measurement === 'seq') this.#isPlainOnce(effects.deviceUid, value!);
    }
  }

  #isPlainOnce(deviceUid: number, seq: number): void {
    const device = this.#world.devices[deviceUid - 1]!;
    if (device.kind(seq) !== 'plain') return;
    const key = `${device.name} ${seq}`;
    const rows = (this.#plainRows.get(key) ?? 0) + 1;
    this.#plainRows.set(key, rows);
    if (rows > device.sent[seq]!)
      this.violated('I2', `${rows} rows of #${seq} of ${device.name}, sent ${device.sent[seq]} times`);
  }

  // Every now and then.

  /** I11: what waits stays within its limits. */
  withinLimits(): void {
    const { limits, processes } = this.#world;
    for (const { router, host, intake, name } of processes) {
      const { underWay } = router.figures();
      if (underWay > limits.ingressMaxMessages) this.violated('I11', `${underWay} uplinks are under way in ${name}`);
      const { unsettled } = host.figures();
      const most = limits.ingressMaxMessages * this.#runs() + (this.#world.plan.requests.length > 0 ? OWN_MESSAGES : 0);
      if (unsettled! > most) this.violated('I11', `${unsettled} uplinks are unsettled in the host of ${name}`);
      const { streams, heldBatches } = intake.figures();
      if (streams > limits.streamsMax) this.violated('I11', `${streams} streams in ${name}`);
      if (heldBatches > streams * limits.batchesUnderWay * 4)
        this.violated('I11', `${heldBatches} batches held in ${name}`);
    }
  }

  #runs(): number {
    return 2 * this.#world.plan.processes + this.#world.plan.faults.length;
  }
}
