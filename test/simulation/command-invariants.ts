/** I7 to I10, and I6 for what goes down: what must hold of commands at every commit, at every device, and of every answer. */
import { type AckStatus, type CommandRecord, type CommandState, isOpen, isUnderWay } from '../../contracts/commands.ts';
import type { Downlink } from '../../contracts/downlinks.ts';
import type { CommandAnswer, CommandProgress, CommandRefusal } from '../../contracts/requests.ts';
import { CommandHistories } from './command-histories.ts';
import type { DeviceConnection } from './device-connection.ts';
import type { CommandRequest } from './request-plan.ts';
import type { SimDevice } from './sim-device.ts';
import type { SimProcess } from './sim-process.ts';
import { hashOf } from './sim-requests.ts';
import type { Written } from './sim-tables.ts';
import type { World } from './world.ts';

type Commands = ReadonlyMap<string, CommandRecord>;
type Order = Pick<CommandRecord, 'id' | 'idempotencyKey' | 'requestHash'>;

export class CommandInvariants {
  readonly #world: World;
  readonly histories: CommandHistories;
  /** Of each device, as they are after each step of a transaction. */
  readonly #commands = new Map<string, Map<string, CommandRecord>>();
  /** How often each command was written to a device. */
  readonly writes = new Map<string, number>();
  readonly #byKey = new Map<string, string>();

  constructor(world: World) {
    this.#world = world;
    this.histories = new CommandHistories((invariant, what) => this.#violated(invariant, what));
  }

  #violated(invariant: string, what: string): void {
    this.#world.invariants.violated(invariant, what);
  }

  #stored(id: string): CommandRecord | undefined {
    return this.#world.database.tables.deviceOfCommand(id)?.commands.get(id);
  }

  // In the database, at every commit.

  committed({ effects }: Written): void {
    if (effects.commands.length === 0 && effects.events.length === 0) return;
    const { key, commandWindow } = this.#world.database.tables.device(effects.deviceUid);
    const commands = this.#commands.get(key) ?? new Map<string, CommandRecord>();
    this.#commands.set(key, commands);
    for (const { isNew, record } of effects.commands) {
      if (isNew) this.#isFirstOfItsKey(record);
      commands.set(record.id, record);
    }
    this.histories.committed(effects);
    for (const { record } of effects.commands)
      if (this.histories.isFirstSending(record.id, effects)) this.#isItsTurn(record, key, commands);
    this.#fitsTheWindow(key, commands, commandWindow ?? this.#world.limits.commandWindow);
  }

  /** I7. */
  #isFirstOfItsKey({ id, idempotencyKey: key }: CommandRecord): void {
    if (key === null) return;
    if (this.#byKey.has(key)) this.#violated('I7', `two commands of ${key}: ${this.#byKey.get(key)} and ${id}`);
    this.#byKey.set(key, id);
  }

  /** I10. */
  #fitsTheWindow(key: string, commands: Commands, window: number): void {
    const underWay = [...commands.values()].filter(it => isUnderWay(it.state));
    if (underWay.length > window)
      this.#violated('I10', `${underWay.length} are under way to ${key}, and ${window} may be: ${idsOf(underWay)}`);
  }

  /**
   * I10: none that was never tried waits, and is more urgent, or older and as urgent. Older is what was taken before and has the smaller
   * id: clocks differ, so one alone says nothing.
   */
  #isItsTurn(sent: CommandRecord, key: string, commands: Commands): void {
    for (const it of commands.values()) {
      const isBefore =
        it.priority < sent.priority ||
        (it.priority === sent.priority && it.id < sent.id && this.histories.isOlder(it.id, sent.id));
      if (isBefore && this.histories.isFresh(it.id))
        this.#violated('I10', `${sent.id} was sent to ${key}, and ${it.id} waits`);
    }
  }

  // At a front node, and at the device.

  /** I6. */
  isCommitted(process: SimProcess, { attempt, device }: Downlink): void {
    if (attempt === null) return;
    const stored = this.#stored(attempt.id)?.attempt ?? 0;
    if (stored < attempt.attempt)
      this.#violated(
        'I6',
        `${process.name} got attempt ${attempt.attempt} of ${attempt.id} for ${device}: ${stored} are stored`,
      );
  }

  written({ session, device }: DeviceConnection, downlink: Downlink): void {
    if (downlink.session !== session)
      this.#violated(
        'sessions',
        `what is for ${device.name}/${downlink.session} was written to its session ${session}`,
      );
    if (downlink.attempt === null) return;
    const { id } = downlink.attempt;
    const writes = (this.writes.get(id) ?? 0) + 1;
    this.writes.set(id, writes);
    if (writes > 1 && this.histories.modeOf(id) === 'once')
      this.#violated('I8', `${id} was written to ${device.name} ${writes} times`);
  }

  /** The device was told that its answer is stored. */
  answerIsStored(device: SimDevice, id: string, status: AckStatus): void {
    const state = this.#stored(id)?.state;
    if (state === undefined || (status !== 'accepted' && isOpen(state)))
      this.#violated('I1', `${device.name} was told that "${status}" of ${id} is stored, and it is ${state}`);
  }

  /** Who waits for the end was told of it. */
  told(ended: readonly CommandRecord[]): void {
    for (const { id, state } of ended)
      if (this.#stored(id)?.state !== state) this.#violated('I6', `${id} was told to have ended as ${state}`);
  }

  // What applications are told.

  taken({ id, idempotencyKey, requestHash }: Order, progress: CommandProgress, known: string): void {
    const stored = this.#stored(progress.id);
    if (stored === undefined) return this.#violated('I1', `${progress.id} was taken and is not stored`);
    const isSame = stored.id === id || (idempotencyKey !== null && stored.idempotencyKey === idempotencyKey);
    if (!isSame || stored.requestHash !== requestHash || known !== stored.id)
      this.#violated('I7', `${id} of ${idempotencyKey} was answered with ${stored.id}, before with ${known}`);
    if (!this.histories.has(progress.id, progress.state, progress.attempt))
      this.#violated('I1', `${progress.id} was said to be ${progress.state}, which it never was`);
  }

  /** The key was found in the database before anybody was asked. */
  repeated(plan: CommandRequest, stored: CommandRecord, known: string): void {
    if (stored.requestHash === hashOf(plan) && known !== stored.id)
      this.#violated('I7', `${plan.key} was ${known} and is ${stored.id}`);
  }

  refused({ id, idempotencyKey: key, requestHash }: Order, refusal: CommandRefusal): void {
    if (refusal !== 'idempotency_key_reused') return;
    const stored = this.#world.database.tables.commandByKey(key ?? '');
    if (stored === undefined || stored.requestHash === requestHash)
      this.#violated('I7', `${id} was refused, as its key ${key} was another request`);
  }

  /** The database took all but this: then the key or the id is there. */
  rejected({ id, idempotencyKey: key }: Order, { reason }: { readonly reason: string }): void {
    const { tables } = this.#world.database;
    const isThere =
      tables.deviceOfCommand(id) !== undefined || (key !== null && tables.commandByKey(key) !== undefined);
    if (reason !== 'refused_by_database' || !isThere) this.#violated('I7', `${id} of ${key} was rejected: ${reason}`);
  }

  cancelled(id: string, answer: CommandAnswer): void {
    const state = this.#stored(id)!.state;
    const said = 'error' in answer ? answer.error : answer.progress.state;
    const isTrue = said === 'not_open' ? !isOpen(state) : said === state && isCancelled(state);
    if (!isTrue) this.#violated('I1', `the end of ${id} was asked for and answered with ${said}; it is ${state}`);
  }
}

const isCancelled = (state: CommandState): boolean => state === 'cancelled' || state === 'unknown';
const idsOf = (records: readonly CommandRecord[]): string => records.map(it => `${it.id} ${it.state}`).join(', ');
