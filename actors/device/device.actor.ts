import { type CommandAttempt, RECEIVES, type UndeliveredAttempt } from '../../contracts/downlinks.ts';
import { type JsonObject, readJsonPayload } from '../../contracts/json.ts';
import type { CommandAnswer, DeviceRequest } from '../../contracts/requests.ts';
import { type DeviceRecord, type Effects, noEffects } from '../../contracts/store.ts';
import { type DesiredChange, NO_TWIN, type TwinChange, type TwinRecord } from '../../contracts/twins.ts';
import {
  type DeviceAddress,
  DUPLICATE,
  type Outcome,
  type Refusal,
  type SessionPlace,
  STORED,
  type Uplink,
} from '../../contracts/uplinks.ts';
import { answered, ENDED, INACTIVE, NOT_OPEN } from './answers.ts';
import { readAck, unlessRepeated } from './commands/command-ack.ts';
import { DeviceCommands, type Moment, NO_TURN } from './commands/device-commands.ts';
import { Leave } from './commands/leave.ts';
import { deadLetterOf } from './dead-letter.ts';
import { decoded } from './decoded.ts';
import { Draft } from './draft.ts';
import { isSignOfLife, OWN } from './first-sign.ts';
import { Series } from './series.ts';
import { DeviceSession, type SessionAnswer } from './session.ts';
import type { Surroundings } from './surroundings.ts';
import { takeTelemetry } from './telemetry.ts';
import { desire, report } from './twin.ts';
import { desiredDownlink, differs, newDelta, twinDownlink } from './twin-downlinks.ts';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * One device: a synchronous state machine. It changes its memory at once and answers with effects; whoever hosts it tells
 * nobody before they are committed. It is a fold of what is stored, so it can be dropped and loaded again at any time.
 */
export class DeviceActor {
  readonly tenantId: number;
  readonly deviceUid: number;
  readonly #state: DeviceRecord['state'];
  readonly #isActive: boolean;
  #wasNeverHeard: boolean;
  readonly #series: Series;
  readonly #session: DeviceSession;
  /** Null for the many that have none. */
  #twin: TwinRecord | null;
  /** Null for the many that have no open command. */
  #commands: DeviceCommands | null;
  readonly #commandWindow: number | null;
  /** When the device is to be told (again) what is desired; it is told at once after the actor was loaded. */
  #tellDesiredAtMs: number;

  constructor(record: DeviceRecord, around: Pick<Surroundings, 'limits'>) {
    this.tenantId = record.tenantId;
    this.deviceUid = record.deviceUid;
    this.#state = record.state;
    this.#isActive = record.state !== 'suspended' && record.state !== 'decommissioned';
    this.#wasNeverHeard = record.state === 'registered' || record.state === 'provisioned';
    this.#series = new Series(record.measurements, record.newestUs, record.rules);
    this.#session = new DeviceSession(record.session, this.#isActive);
    this.#twin = record.twin;
    this.#commandWindow = record.commandWindow;
    this.#commands =
      record.commands.length === 0
        ? null
        : new DeviceCommands(record.commands, this.#session.takes(RECEIVES.command)?.session ?? 0, around);
    this.#tellDesiredAtMs = this.#session.takes(RECEIVES.desired) !== null && differs(record.twin) ? 0 : NEVER;
  }

  /** It comes by a connection that was replaced by a newer one: its device has sent it again by that, or will. */
  isStale({ session, kind }: Uplink): boolean {
    return session !== 0 && kind !== 'disconnected' && session < this.#session.number;
  }

  /** When it wants a `tick`, if nothing comes before: milliseconds since 1970. Infinity: never. */
  get dueAtMs(): number {
    return Math.min(this.#commands?.dueAtMs ?? NEVER, this.#tellDesiredAtMs);
  }

  /** The priority of the command that waits for a `turn`; NO_TURN: none does. */
  get wantsTurn(): number {
    return this.#commands?.wantsTurn ?? NO_TURN;
  }

  /** It has begun something that it does not want to be dropped over: its device is there, and is to be told something. */
  get isBusy(): boolean {
    if (this.#tellDesiredAtMs !== NEVER) return true;
    return this.#commands !== null && this.#session.takes(RECEIVES.command) !== null;
  }

  /** It was loaded with something that is to be looked at, whether or not a message comes. */
  get isUnfinished(): boolean {
    return this.#commands !== null || this.#tellDesiredAtMs === 0;
  }

  /** Takes one uplink. Content that can't be stored becomes a dead letter; throwing is a defect. */
  receive(uplink: Uplink, around: Surroundings): Effects {
    const effects = this.#received(uplink, around);
    if (!this.#wasNeverHeard || !isSignOfLife(uplink.kind, effects.outcome)) return effects;
    this.#wasNeverHeard = false;
    return { ...effects, activates: true };
  }

  #received(uplink: Uplink, around: Surroundings): Effects {
    switch (uplink.kind) {
      case 'disconnected':
        return this.#toldOfSession(this.#session.ended(uplink));
      case 'connected':
        return this.#isActive ? this.#toldOfSession(this.#session.opened(uplink)) : this.#told(INACTIVE);
      case 'receiving':
        return this.#receiving(uplink, around);
      case 'request':
        return this.#requested(uplink, around);
      case 'delivered':
      case 'undelivered':
        return this.#attempted(uplink, around);
      case 'tick':
      case 'turn':
        return this.#woken(uplink, around);
    }
    if (uplink.refused) return this.refuse(uplink, uplink.refused, around);
    if (!this.#isActive) return this.refuse(uplink, INACTIVE, around);
    const taken = this.#take(uplink, around);
    return 'reason' in taken ? this.refuse(uplink, taken, around) : taken;
  }

  /** The uplink as a dead letter. What Skein itself sends is only told of it: there is nothing to keep. */
  refuse(uplink: Uplink, refusal: Refusal, around: Surroundings): Effects {
    if (OWN.has(uplink.kind)) return this.#told({ state: 'rejected', ...refusal });
    return deadLetterOf(uplink, refusal, this.tenantId, this.deviceUid, around.uuid());
  }

  #take(uplink: Uplink, around: Surroundings): Effects | Refusal {
    if (uplink.kind === 'telemetry') return takeTelemetry(this.#series, uplink, around, this.#told(STORED));
    if (uplink.kind === 'state') return this.#reported(uplink, around);
    if (uplink.kind === 'ack') return this.#acknowledged(uplink, around);
    if (uplink.kind === 'get') return this.#asked(uplink);
    return { reason: 'unsupported_kind', detail: `Nothing takes "${uplink.kind}" messages yet` };
  }

  #told(outcome: Outcome): Effects {
    return noEffects(this.tenantId, this.deviceUid, outcome);
  }

  #drafted(draft: Draft, outcome: Outcome): Effects {
    return draft.effects(this.tenantId, this.deviceUid, outcome);
  }

  // The connection.

  #toldOfSession({ outcome, change, event }: SessionAnswer): Effects {
    const draft = new Draft();
    draft.session = change;
    if (event !== null) draft.events.push(event);
    return this.#drafted(draft, outcome);
  }

  #receiving(uplink: Uplink, around: Surroundings): Effects {
    const { outcome, change } = this.#session.receiving(uplink);
    if (change === null) return this.#told(outcome);
    const draft = new Draft();
    draft.session = change;
    this.#tellDesired(uplink.address, draft);
    this.#advance(uplink, around, draft);
    return this.#drafted(draft, outcome);
  }

  // The twin.

  #reported(uplink: Uplink, { decode, limits }: Surroundings): Effects | Refusal {
    const patch = decoded(uplink, decode);
    if ('refusal' in patch) return patch.refusal;
    const before = this.#twin ?? NO_TWIN;
    const change = report(before, patch.value, uplink.receivedAtMs, limits);
    if (change === null) return this.#told(DUPLICATE);
    if ('error' in change)
      return { reason: change.error === 'too_large' ? 'twin_too_large' : 'invalid_patch', detail: change.detail };
    const draft = new Draft();
    this.#change(change, draft);
    const delta = newDelta(before, change.record);
    if (delta !== null) this.#tellDesired(uplink.address, draft, delta);
    return this.#drafted(draft, STORED);
  }

  #desired(wanted: DesiredChange, { address, receivedAtMs }: Uplink, limits: Surroundings['limits']): Effects {
    const before = this.#twin ?? NO_TWIN;
    if (this.#state === 'decommissioned') return this.#told(answered({ ...ENDED, version: before.desired.version }));
    const { change, answer } = desire(before, wanted, receivedAtMs, limits);
    if (change === null) return this.#told(answered(answer));
    const draft = new Draft();
    this.#change(change, draft);
    this.#tellDesired(address, draft);
    return this.#drafted(draft, answered(answer));
  }

  #change(change: TwinChange, draft: Draft): void {
    const { atMs, ...data } = change.step;
    this.#twin = change.record;
    draft.twin = change;
    draft.events.push({ kind: 'device.update', atMs, data });
  }

  /** What differs from what is desired, if something does and the device wants to know it. `delta`: if that is known. */
  #tellDesired(address: DeviceAddress, draft: Draft, delta?: JsonObject): void {
    this.#tellDesiredAtMs = NEVER;
    const place = this.#session.takes(RECEIVES.desired);
    const output = place && this.#twin && desiredDownlink(this.#twin, address, place, delta);
    if (output !== null) draft.outputs.push(output);
  }

  #asked({ address }: Uplink): Effects {
    const draft = new Draft();
    const place = this.#session.takes(0);
    if (place !== null) draft.outputs.push(twinDownlink(this.#twin ?? NO_TWIN, address, place));
    return this.#drafted(draft, answered(null));
  }

  // Commands.

  #requested(uplink: Uplink, around: Surroundings): Effects {
    const request = readJsonPayload<DeviceRequest>(uplink.payload);
    if (request.type === 'desired') return this.#desired(request, uplink, around.limits);
    if (this.#state === 'decommissioned' && request.type === 'command') return this.#told(answered(ENDED));
    const draft = new Draft();
    const answer = this.#command(request, uplink, around, draft);
    return this.#drafted(draft, answered(answer));
  }

  #command(
    request: Exclude<DeviceRequest, { type: 'desired' }>,
    uplink: Uplink,
    around: Surroundings,
    draft: Draft,
  ): CommandAnswer {
    this.#commands ??= new DeviceCommands([], 0, around);
    const moment = this.#moment(uplink, around, draft);
    const answer =
      request.type === 'command'
        ? this.#commands.add(request.order, request.notify, moment)
        : this.#commands.cancel(request.id, request.reason, moment);
    const asked = 'progress' in answer ? answer.progress.id : '';
    this.#advance(uplink, around, draft);
    const progress = this.#commands?.progress(asked);
    return progress === undefined ? answer : { progress };
  }

  #acknowledged(uplink: Uplink, around: Surroundings): Effects | Refusal {
    const content = decoded(uplink, around.decode);
    if ('refusal' in content) return content.refusal;
    const ack = readAck(content.value, around.limits);
    if ('detail' in ack) return ack;
    const draft = new Draft();
    if (this.#commands?.answered(ack, this.#moment(uplink, around, draft)) === true) {
      this.#advance(uplink, around, draft);
      return this.#drafted(draft, STORED);
    }
    return unlessRepeated(ack, this.refuse(uplink, NOT_OPEN, around));
  }

  #attempted(uplink: Uplink, around: Surroundings): Effects {
    const { id, attempt, why } = readJsonPayload<CommandAttempt & Partial<UndeliveredAttempt>>(uplink.payload);
    const draft = new Draft();
    const moment = this.#moment(uplink, around, draft);
    const isNews =
      why === undefined
        ? this.#commands?.delivered(id, attempt, moment)
        : this.#commands?.undelivered(id, attempt, why, moment);
    if (isNews !== true) return this.#told(DUPLICATE);
    this.#advance(uplink, around, draft);
    return this.#drafted(draft, STORED);
  }

  #woken(uplink: Uplink, around: Surroundings): Effects {
    const draft = new Draft();
    if (this.#state === 'decommissioned')
      this.#commands?.endAll('device_decommissioned', this.#moment(uplink, around, draft));
    if (this.#tellDesiredAtMs <= around.nowMs()) this.#tellDesired(uplink.address, draft);
    this.#advance(uplink, around, draft);
    return this.#drafted(draft, STORED);
  }

  /** The device may not have been told what is desired: it is told again a while later, if it is still there. */
  desiredNotTold(session: number, atMs: number): void {
    if (session === this.#session.number) this.#tellDesiredAtMs = atMs;
  }

  /** Gives commands that may be sent their turn. To be called whenever something of commands or the connection has changed. */
  #advance(uplink: Uplink, around: Surroundings, draft: Draft): void {
    const commands = this.#commands;
    const leave = new Leave(uplink.kind === 'turn', around.pace);
    const maySend = (priority: number): boolean => leave.take(priority);
    commands?.advance(this.#commandWindow, { ...this.#moment(uplink, around, draft), maySend });
    leave.giveBack();
    if (commands?.size === 0) this.#commands = null;
  }

  #moment({ address }: Uplink, around: Surroundings, draft: Draft): Moment {
    const place: SessionPlace | null = this.#session.takes(RECEIVES.command);
    return { nowMs: around.nowMs(), address, place, around, draft, maySend: () => false };
  }
}
