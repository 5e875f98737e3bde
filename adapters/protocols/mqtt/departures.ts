/**
 * Tells the device's actor that a session has ended. Nobody waits for it but the end of the adapter. Behind all uplinks of
 * the session, because the ingress keeps the order of each device.
 */

import { jsonPayload } from '../../../contracts/json.ts';
import { type DeviceAddress, isAcknowledged, type Outcome } from '../../../contracts/uplinks.ts';
import type { systemScheduler } from '../../system/ports.ts';
import type { ProtocolHost } from '../protocol.ts';
import { UnderWay } from './under-way.ts';

type Departure = {
  readonly address: DeviceAddress;
  readonly session: number;
  readonly payload: Uint8Array;
  readonly atMs: number;
  attempts: number;
};

/** Until a session is given up its device counts as connected, and after that until this process ends or the device returns. */
const ATTEMPTS = 5;
/** With the patience of the ingress itself this reaches over the loss of an owner. */
const PAUSE_MS = 2_000;

export class Departures {
  readonly #host: Pick<ProtocolHost, 'ingress' | 'now' | 'log' | 'limits'>;
  readonly #scheduler: Pick<typeof systemScheduler, 'after'>;
  readonly #underWay = new UnderWay();
  /** Those whose turn comes again, all together. */
  #again: Departure[] = [];

  constructor(
    host: Pick<ProtocolHost, 'ingress' | 'now' | 'log' | 'limits'>,
    scheduler: Pick<typeof systemScheduler, 'after'>,
  ) {
    this.#host = host;
    this.#scheduler = scheduler;
  }

  /** @param reason a word of the table in docs/mqtt.md */
  tell(address: DeviceAddress, session: number, reason: string): void {
    this.#underWay.begin();
    this.#send({ address, session, payload: jsonPayload({ reason }), atMs: this.#host.now(), attempts: 0 });
  }

  /** Resolves when every end is stored, or given up. */
  idle(): Promise<void> {
    return this.#underWay.idle();
  }

  #send(departure: Departure): void {
    departure.attempts++;
    const { address, session, payload, atMs: receivedAtMs } = departure;
    this.#host.ingress.receive(
      { address, session, receivedAtMs, kind: 'disconnected', topic: '', contentType: '', payload },
      outcome => this.#settled(departure, outcome),
    );
  }

  #settled(departure: Departure, outcome: Outcome): void {
    if (isAcknowledged(outcome)) return this.#underWay.end();
    if (departure.attempts >= ATTEMPTS || this.#again.length >= this.#host.limits.connectionsMax) {
      const { address, session } = departure;
      this.#host.log.warn({ device: address.key, session, outcome }, 'the end of a session could not be stored');
      return this.#underWay.end();
    }
    if (this.#again.push(departure) === 1) this.#scheduler.after(PAUSE_MS, () => this.#sendAgain());
  }

  #sendAgain(): void {
    for (const departure of this.#again.splice(0)) this.#send(departure);
  }
}
