import type { CommandOrder, CommandRecord, CommandState } from '../../../contracts/commands.ts';
import { isUnderWay } from '../../../contracts/commands.ts';
import type { Delivery } from '../../../contracts/downlinks.ts';
import type { CommandAnswer, CommandProgress } from '../../../contracts/requests.ts';
import type { DeviceAddress, SessionPlace } from '../../../contracts/uplinks.ts';
import type { Draft } from '../draft.ts';
import type { Surroundings } from '../surroundings.ts';
import { backoffMs, jitteredBackoffMs } from './backoff.ts';
import type { CommandAck } from './command-ack.ts';
import { commandDownlink } from './command-downlink.ts';
import { commandEvent, stepped } from './transition.ts';

/** The moment at which something is done, and what comes of it. */
export type Moment = {
  readonly nowMs: number;
  readonly address: DeviceAddress;
  /** The connection, if it takes commands. */
  readonly place: SessionPlace | null;
  readonly around: Surroundings;
  readonly draft: Draft;
  /** Whether a command of this priority may be sent now; if so, it counts as sent. */
  readonly maySend: (priority: number) => boolean;
};

/** An open command in memory. */
type Held = {
  record: CommandRecord;
  /** It is not sent (again) before this, unless by another session than the one that it was last sent by. */
  notBeforeMs: number;
  /** 0: none, or not known. */
  session: number;
  /** The nodes that wait for its end. */
  notify: readonly string[];
};

/** A session that attempts did not get to: it is left alone for a while, longer each time, so that nothing overtakes what could not leave. */
type Pause = { readonly session: number; readonly untilMs: number; readonly failures: number };

export const NO_TURN = -1;

/**
 * The open commands of one device: which is sent when, and what ends them. At most `window` are under way; the most urgent go first,
 * and of those the oldest. One in mode `once` is sent at most once, whatever happens: `attempt` is stored before anything is sent.
 */
export class DeviceCommands {
  /** In the order of their ids, which is the order of their age. */
  #held: Held[];
  /** When something is to be done, if nothing happens before. */
  #dueAtMs = Number.POSITIVE_INFINITY;
  #wantsTurn = NO_TURN;
  #pause: Pause | null = null;

  /** @param session the one that takes commands; what is under way counts as sent by it. 0: none does */
  constructor(records: readonly CommandRecord[], session: number, { limits }: Pick<Surroundings, 'limits'>) {
    this.#held = records.map(record => ({
      record,
      notBeforeMs: isUnderWay(record.state) ? lastAttemptMs(record) + backoffMs(record.attempt, limits) : 0,
      session: isUnderWay(record.state) ? session : 0,
      notify: [],
    }));
  }

  get size(): number {
    return this.#held.length;
  }

  get dueAtMs(): number {
    return this.#dueAtMs;
  }

  /** The priority of what waits for leave to be sent; NO_TURN: nothing does. */
  get wantsTurn(): number {
    return this.#wantsTurn;
  }

  // What is asked.

  add(order: CommandOrder, notify: string | null, moment: Moment): CommandAnswer {
    const same = this.#held.find(({ record }) => isSame(record, order));
    if (same !== undefined) {
      if (same.record.requestHash !== order.requestHash)
        return { error: 'idempotency_key_reused', detail: 'Another command has this Idempotency-Key' };
      if (notify !== null && !same.notify.includes(notify)) same.notify = [...same.notify, notify];
      return { progress: progressOf(same.record) };
    }
    const { nowMs, around } = moment;
    if (order.deadlineMs <= nowMs) return { error: 'deadline_passed', detail: 'The deadline has passed' };
    const replaced = this.#held.filter(({ record }) => isReplacedBy(record, order));
    const tooMany = tooManyWith(
      order,
      this.#held.filter(held => !replaced.includes(held)),
      around.limits,
    );
    if (tooMany !== undefined) return { error: 'too_many_open', detail: tooMany };
    for (const held of replaced) this.#end(held, 'superseded', order.id, moment);
    const fresh: CommandRecord = { ...order, state: 'queued', attempt: 0, transitions: [], endedAtMs: null };
    const held: Held = { record: fresh, notBeforeMs: 0, session: 0, notify: notify === null ? [] : [notify] };
    this.#held.push(held);
    this.#step(held, 'queued', null, moment, { isNew: true });
    return { progress: progressOf(held.record) };
  }

  /** Where it is now; undefined: it has ended. */
  progress(id: string): CommandProgress | undefined {
    const held = this.#find(id);
    return held && progressOf(held.record);
  }

  cancel(id: string, reason: string, moment: Moment): CommandAnswer {
    const held = this.#find(id);
    if (held === undefined) return { error: 'not_open', detail: 'The command is not open' };
    return { progress: progressOf(this.#give(held, reason, moment)) };
  }

  /** Nothing is sent any more: the device is decommissioned. */
  endAll(reason: string, moment: Moment): void {
    for (const held of [...this.#held]) this.#give(held, reason, moment);
  }

  // What comes from the device and its connection.

  /** False: the device has no such command, or was never sent it. */
  answered(ack: CommandAck, moment: Moment): boolean {
    const held = this.#find(ack.id);
    if (held === undefined || held.record.attempt === 0) return false;
    this.#pause = null;
    const { status, reason } = ack;
    if (status === 'accepted') {
      const isKnown = held.record.transitions.at(-1)?.reason === 'accepted';
      if (!isKnown) this.#step(held, 'delivered', 'accepted', moment);
      return true;
    }
    const said = {
      ...(ack.result !== undefined && { result: ack.result }),
      ...(ack.error !== undefined && { error: ack.error }),
    };
    held.record = { ...held.record, ...said };
    this.#end(held, status, status === 'unknown' ? (reason ?? 'device_does_not_know') : reason, moment);
    return true;
  }

  /** The transport's acknowledgement of an attempt. */
  delivered(id: string, attempt: number, moment: Moment): boolean {
    const held = this.#find(id);
    this.#pause = null;
    if (held?.record.state !== 'sent' || held.record.attempt !== attempt) return false;
    this.#step(held, 'delivered', null, moment);
    return true;
  }

  /** Certainly not a byte of this attempt was sent, so it does not count as one. What was sent before is under way all the same. */
  undelivered(id: string, attempt: number, why: Exclude<Delivery, 'sent'>, moment: Moment): boolean {
    const held = this.#find(id);
    if (held?.record.state !== 'sent' || held.record.attempt !== attempt) return false;
    const { fraction, limits } = moment.around;
    this.#step(held, attempt > 1 ? 'sent' : 'queued', why, moment, { attempt: attempt - 1 });
    held.notBeforeMs = 0;
    const { session } = held;
    const failures = (this.#pause?.session === session ? this.#pause.failures : 0) + 1;
    this.#pause = { session, failures, untilMs: moment.nowMs + jitteredBackoffMs(failures, fraction(), limits) };
    return true;
  }

  // What time brings.

  /**
   * Ends what is over, sends what may be sent, and says when to look again. To be called after anything else was done.
   *
   * @param ownWindow of the device; null: the usual one
   */
  advance(ownWindow: number | null, moment: Moment): void {
    const { nowMs, place, around } = moment;
    const { commandWindow, commandWindowMax } = around.limits;
    const window = Math.min(ownWindow ?? commandWindow, commandWindowMax);
    for (const held of [...this.#held]) if (held.record.deadlineMs <= nowMs) this.#expire(held, moment);
    this.#wantsTurn = NO_TURN;
    if (place !== null) this.#sendAll(window, place, moment);
    this.#dueAtMs = this.#nextMoment(place, nowMs);
  }

  #sendAll(window: number, place: SessionPlace, moment: Moment): void {
    for (let next = this.#next(window, place, moment.nowMs); next; next = this.#next(window, place, moment.nowMs)) {
      const { priority } = next.record;
      if (!moment.maySend(priority)) {
        this.#wantsTurn = priority;
        return;
      }
      this.#send(next, place, moment);
    }
  }

  /** What is to be sent now: of what is to be repeated, and of what waits while there is room, the most urgent and oldest. */
  #next(window: number, place: SessionPlace, nowMs: number): Held | undefined {
    if (this.#isPaused(place, nowMs)) return undefined;
    const hasRoom = this.#held.filter(({ record }) => isUnderWay(record.state)).length < window;
    let best: Held | undefined;
    for (const held of this.#held) {
      const { state, mode, priority } = held.record;
      const isDue = held.session !== place.session || held.notBeforeMs <= nowMs;
      const isWanted = isUnderWay(state) ? mode === 'retry' : hasRoom;
      if (isDue && isWanted && (best === undefined || priority < best.record.priority)) best = held;
    }
    return best;
  }

  #isPaused(place: SessionPlace, nowMs: number): boolean {
    return this.#pause?.session === place.session && nowMs < this.#pause.untilMs;
  }

  #send(held: Held, place: SessionPlace, moment: Moment): void {
    const { nowMs, around, address, draft } = moment;
    const attempt = held.record.attempt + 1;
    this.#step(held, 'sent', null, moment, { attempt });
    held.session = place.session;
    held.notBeforeMs = nowMs + jitteredBackoffMs(attempt, around.fraction(), around.limits);
    draft.outputs.push(commandDownlink(held.record, address, place));
  }

  #nextMoment(place: SessionPlace | null, nowMs: number): number {
    let due = Number.POSITIVE_INFINITY;
    if (place !== null && this.#isPaused(place, nowMs)) due = this.#pause!.untilMs;
    for (const { record, notBeforeMs } of this.#held) {
      due = Math.min(due, record.deadlineMs);
      const comesAgain = record.state === 'queued' || record.mode === 'retry';
      if (place !== null && comesAgain && notBeforeMs > nowMs) due = Math.min(due, notBeforeMs);
    }
    return due;
  }

  #expire(held: Held, moment: Moment): void {
    this.#end(held, held.record.attempt === 0 ? 'expired' : 'unknown', 'deadline_passed', moment);
  }

  /** Ends it before its time. What was sent can't be called back, so nobody knows what becomes of it. */
  #give(held: Held, reason: string, moment: Moment): CommandRecord {
    return this.#end(held, held.record.attempt === 0 ? 'cancelled' : 'unknown', reason, moment);
  }

  #end(held: Held, state: CommandState, reason: string | null, moment: Moment): CommandRecord {
    this.#step(held, state, reason, moment);
    this.#held = this.#held.filter(it => it !== held);
    for (const address of held.notify) moment.draft.outputs.push({ to: 'node', address, ended: held.record });
    return held.record;
  }

  #step(
    held: Held,
    state: CommandState,
    reason: string | null,
    { nowMs, around, draft }: Moment,
    { attempt = held.record.attempt, isNew = false } = {},
  ): void {
    held.record = stepped(held.record, { state, atMs: nowMs, attempt, reason }, around.limits);
    draft.command(held.record, isNew);
    draft.events.push(commandEvent(held.record));
  }

  #find(id: string): Held | undefined {
    return this.#held.find(({ record }) => record.id === id);
  }
}

/** Why this one is too much beside those; undefined: it is not. */
function tooManyWith(
  { parametersJson }: CommandOrder,
  open: readonly Held[],
  { deviceOpenCommands, deviceOpenCommandsMaxBytes }: Surroundings['limits'],
): string | undefined {
  if (open.length >= deviceOpenCommands)
    return `The device has ${open.length} open commands; more than ${deviceOpenCommands} are not taken`;
  const bytes = open.reduce((sum, { record }) => sum + record.parametersJson.length, parametersJson.length);
  if (bytes > deviceOpenCommandsMaxBytes)
    return `The parameters of all open commands of the device would have ${bytes} bytes, more than ${deviceOpenCommandsMaxBytes}`;
  return undefined;
}

const isSame = (record: CommandRecord, order: CommandOrder): boolean =>
  record.id === order.id || (order.idempotencyKey !== null && record.idempotencyKey === order.idempotencyKey);

/** Only what was never sent is replaced. */
const isReplacedBy = (record: CommandRecord, { supersedes }: CommandOrder): boolean =>
  supersedes !== null && record.supersedes === supersedes && record.state === 'queued' && record.attempt === 0;

const progressOf = ({ id, state, attempt, transitions }: CommandRecord): CommandProgress => ({
  id,
  state,
  attempt,
  transitions,
});

const lastAttemptMs = ({ transitions }: CommandRecord): number =>
  transitions.findLast(({ state }) => state === 'sent')?.atMs ?? 0;
