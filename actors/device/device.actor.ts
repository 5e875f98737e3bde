import type { Decode } from '../../contracts/codecs.ts';
import { CodecError } from '../../contracts/codecs.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Datapoint, DeviceRecord, Effects } from '../../contracts/store.ts';
import { type DesiredAnswer, readDesiredPayload, type TwinRecord } from '../../contracts/twins.ts';
import { DUPLICATE, type Outcome, type Refusal, STORED, type Uplink } from '../../contracts/uplinks.ts';
import { deadLetterOf } from './dead-letter.ts';
import { type Reading, readings, tooMany } from './readings.ts';
import { isMeasurementName, Series } from './series.ts';
import { DeviceSession, type SessionAnswer } from './session.ts';
import { desire, NO_TWIN, report } from './twin.ts';
import { storedValue } from './value.ts';

/** What every actor of a host shares. */
export type Surroundings = { readonly decode: Decode; readonly limits: Limits; readonly uuid: () => string };

const NOTHING: readonly never[] = [];
const INACTIVE = {
  state: 'rejected',
  reason: 'device_inactive',
  detail: 'The device is suspended or decommissioned',
} as const;
const ENDED = { error: 'lifecycle_conflict', detail: 'Nothing is desired of a decommissioned device' } as const;
const answered = (answer: DesiredAnswer): Outcome => ({ state: 'answered', answer });

/**
 * One device: a synchronous state machine. It changes its memory at once and answers with effects; whoever hosts it tells
 * nobody before they are committed. It is a fold of what is stored, so it can be dropped and loaded again at any time.
 */
export class DeviceActor {
  readonly tenantId: number;
  readonly deviceUid: number;
  readonly #state: DeviceRecord['state'];
  readonly #series: Series;
  readonly #session: DeviceSession;
  /** The newest time that the server gave: two messages in one millisecond are two datapoints. */
  #stampedUs: number;
  /** Null for the many that have none. */
  #twin: TwinRecord | null;

  constructor(record: DeviceRecord) {
    this.tenantId = record.tenantId;
    this.deviceUid = record.deviceUid;
    this.#state = record.state;
    this.#series = new Series(record.measurements, record.newestUs);
    this.#session = new DeviceSession(record.session);
    this.#stampedUs = 0;
    this.#twin = record.twin;
  }

  /** It comes by a connection that was replaced by a newer one: its device has sent it again by that, or will. */
  isStale({ session, kind }: Uplink): boolean {
    return session !== 0 && kind !== 'disconnected' && session < this.#session.number;
  }

  /** Takes one uplink. Content that can't be stored becomes a dead letter; throwing is a defect. */
  receive(uplink: Uplink, around: Surroundings): Effects {
    if (uplink.kind === 'disconnected') return this.#toldOfSession(this.#session.ended(uplink));
    if (uplink.kind === 'connected')
      return this.#isActive ? this.#toldOfSession(this.#session.opened(uplink)) : this.#told(INACTIVE);
    if (uplink.kind === 'desired') return this.#desired(uplink, around.limits);
    if (uplink.refused) return this.refuse(uplink, uplink.refused, around);
    if (!this.#isActive) return this.refuse(uplink, INACTIVE, around);
    const taken = this.#take(uplink, around);
    return 'reason' in taken ? this.refuse(uplink, taken, around) : taken;
  }

  /** The uplink as a dead letter. Who asks for something is told, and there is nothing to keep. */
  refuse(uplink: Uplink, refusal: Refusal, around: Surroundings): Effects {
    if (uplink.kind === 'desired') return this.#told({ state: 'rejected', ...refusal });
    return deadLetterOf(uplink, refusal, this.tenantId, this.deviceUid, around.uuid());
  }

  get #isActive(): boolean {
    return this.#state !== 'suspended' && this.#state !== 'decommissioned';
  }

  #take(uplink: Uplink, around: Surroundings): Effects | Refusal {
    if (uplink.kind === 'telemetry') return this.#telemetry(uplink, around);
    if (uplink.kind === 'state') return this.#reported(uplink, around);
    return { reason: 'unsupported_kind', detail: `Nothing takes "${uplink.kind}" messages yet` };
  }

  #toldOfSession({ outcome, change }: SessionAnswer): Effects {
    return { ...this.#told(outcome), session: change };
  }

  #told(outcome: Outcome, twin: TwinRecord | null = null): Effects {
    const { tenantId, deviceUid } = this;
    return {
      tenantId,
      deviceUid,
      datapoints: NOTHING,
      newMeasurements: NOTHING,
      deadLetter: null,
      session: null,
      twin,
      outcome,
    };
  }

  #reported(uplink: Uplink, { decode, limits }: Surroundings): Effects | Refusal {
    const patch = decoded(uplink, decode);
    if ('refusal' in patch) return patch.refusal;
    const twin = report(this.#twin ?? NO_TWIN, patch.value, uplink.receivedAtMs, limits);
    if ('error' in twin)
      return { reason: twin.error === 'too_large' ? 'twin_too_large' : 'invalid_patch', detail: twin.detail };
    return this.#changedTo(twin) ? this.#told(STORED, twin) : this.#told(DUPLICATE);
  }

  #desired({ payload, receivedAtMs }: Uplink, limits: Limits): Effects {
    const before = this.#twin ?? NO_TWIN;
    if (this.#state === 'decommissioned') return this.#told(answered({ ...ENDED, version: before.desired.version }));
    const { twin, answer } = desire(before, readDesiredPayload(payload), receivedAtMs, limits);
    return this.#told(answered(answer), this.#changedTo(twin) ? twin : null);
  }

  #changedTo(twin: TwinRecord): boolean {
    if (twin === (this.#twin ?? NO_TWIN)) return false;
    this.#twin = twin;
    return true;
  }

  #telemetry(uplink: Uplink, { decode, limits }: Surroundings): Effects | Refusal {
    const content = decoded(uplink, decode);
    if ('refusal' in content) return content.refusal;
    const all = readings(content.value, uplink.receivedAtMs, limits);
    if ('reason' in all) return all;
    const problem = checkNames(all, this.#series, limits);
    if (problem) return problem;
    // Everything is checked before memory changes, so a refused message leaves no trace in the actor.
    const datapoints: Datapoint[] = [];
    for (let i = 0; i < all.length; i++) {
      const refused = collect(all[i]!, -1 - i, datapoints, limits);
      if (refused) return refused;
    }
    if (datapoints.length === 0) return { reason: 'no_values', detail: 'The message carries no value' };
    return this.#note(uplink, datapoints as Mutable<Datapoint>[]);
  }

  /** Gives the checked datapoints their times and marks, and takes note of them. */
  #note(uplink: Uplink, datapoints: Mutable<Datapoint>[]): Effects {
    let newMeasurements: string[] | undefined;
    let unstamped = 0;
    let stampUs = 0;
    for (let i = 0; i < datapoints.length; i++) {
      const datapoint = datapoints[i]!;
      let place = this.#series.find(datapoint.measurement, i);
      if (place < 0) {
        place = this.#series.add(datapoint.measurement);
        newMeasurements ??= [];
        newMeasurements.push(datapoint.measurement);
      }
      if (datapoint.tsUs < 0) {
        if (datapoint.tsUs !== unstamped) {
          unstamped = datapoint.tsUs;
          stampUs = this.#stamp(uplink.receivedAtMs, datapoints, i);
        }
        datapoint.tsUs = stampUs;
      }
      datapoint.mayExist = this.#series.note(place, datapoint.tsUs);
    }
    return {
      tenantId: this.tenantId,
      deviceUid: this.deviceUid,
      datapoints,
      newMeasurements: newMeasurements ?? NOTHING,
      deadLetter: null,
      session: null,
      twin: null,
      outcome: STORED,
    };
  }

  /**
   * The server's time for the reading that begins at `from`, made unique for the device: never one that was given before, and
   * never the newest of a measurement that it carries, even when the server's clock was set back.
   */
  #stamp(receivedAtMs: number, datapoints: readonly Datapoint[], from: number): number {
    let us = Math.max(receivedAtMs * 1_000, this.#stampedUs + 1);
    const unstamped = datapoints[from]!.tsUs;
    for (let i = from; i < datapoints.length && datapoints[i]!.tsUs === unstamped; i++) {
      const place = this.#series.find(datapoints[i]!.measurement, i);
      if (place >= 0 && this.#series.newestUs(place) >= us) us = this.#series.newestUs(place) + 1;
    }
    this.#stampedUs = us;
    return us;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function decoded({ contentType, payload }: Uplink, decode: Decode): { value: unknown } | { refusal: Refusal } {
  try {
    return { value: decode(contentType, payload) };
  } catch (error) {
    if (error instanceof CodecError) return { refusal: { reason: error.reason, detail: error.message } };
    throw error;
  }
}

/** Whether all names are allowed and the device may have that many measurements. */
function checkNames(all: readonly Reading[], series: Series, limits: Limits): Refusal | undefined {
  let count = 0;
  let added: Set<string> | undefined;
  for (const { values } of all) {
    const names = Object.keys(values);
    count += names.length;
    if (count > limits.messageMaxValues) return tooMany(limits);
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (series.find(name, i) >= 0) continue;
      if (!isMeasurementName(name, limits))
        return {
          reason: 'invalid_name',
          detail: `${JSON.stringify(name.slice(0, 60))} is not a name for a measurement`,
        };
      added ??= new Set();
      added.add(name);
      if (series.count + added.size > limits.deviceMaxMeasurements)
        return {
          reason: 'too_many_measurements',
          detail: `A device has at most ${limits.deviceMaxMeasurements} measurements`,
        };
    }
  }
  return undefined;
}

/**
 * The datapoints of one reading. Until the server's time is given to a reading without one, `unstamped` (a negative number of
 * its own for each reading) stands in its place. Null means: no value.
 */
function collect(reading: Reading, unstamped: number, into: Datapoint[], limits: Limits): Refusal | undefined {
  const { values, messageId } = reading;
  const tsUs = reading.tsUs ?? unstamped;
  for (const measurement of Object.keys(values)) {
    const given = values[measurement];
    if (given === null) continue;
    if (typeof given === 'number') {
      if (!Number.isFinite(given))
        return { reason: 'invalid_value', detail: `${JSON.stringify(measurement)} is not finite` };
      into.push({ measurement, tsUs, value: given, json: null, mayExist: false, messageId });
      continue;
    }
    const stored = storedValue(given, limits);
    if (typeof stored === 'string')
      return { reason: 'invalid_value', detail: `${JSON.stringify(measurement)} ${stored}` };
    into.push({ measurement, tsUs, value: stored.value, json: stored.json, mayExist: false, messageId });
  }
  return undefined;
}
