/**
 * Says the events of all tenants to the services of all nodes. One node at a time says a batch, and its position moves after that: so each
 * is said at least once by whoever is connected to the bus, and in their order.
 */
import type { Logger } from 'pino';
import type { Database } from '../../adapters/database/database.ts';
import { beginReading, readOn, type StoredEvent } from '../../adapters/database/events-feed.ts';
import { announce } from '../../contracts/contract.ts';
import { device } from '../../contracts/events.contract.ts';

const READER = 'relay';
const IDLE_MS = 250;

export type RelayOptions = {
  readonly database: Database;
  readonly log: Logger;
  readonly batch: number;
  readonly broadcast: (name: string, payload: unknown) => unknown;
  /** Whether what is said reaches the others. */
  readonly isHeard: () => boolean;
};

export class EventRelay {
  readonly #options: RelayOptions;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** The first start of all begins behind what there is then. */
  async start(): Promise<void> {
    await beginReading(this.#options.database, READER);
    this.#next(false);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#working;
  }

  #next(atOnce: boolean): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(
      () => {
        this.#working = this.#turn().then(full => this.#next(full));
      },
      atOnce ? 0 : IDLE_MS,
    );
  }

  async #turn(): Promise<boolean> {
    const { database, log, batch, isHeard } = this.#options;
    if (!isHeard()) return false;
    try {
      const read = await readOn(database, READER, batch, ({ events }) => {
        for (const event of events) this.#say(event);
      });
      if (read?.missed) log.warn('events were removed because of their age before the services were told of them');
      return read?.full ?? false;
    } catch (err) {
      log.warn({ err }, 'could not tell the services of events; it is tried again');
      return false;
    }
  }

  #say({ kind, id, tenant, deviceId, atMs: at, data }: StoredEvent): void {
    const all = { id, tenant, deviceId, at };
    switch (kind) {
      case 'device.status':
        return announce(this.#options, device.status, { ...all, ...data });
      case 'device.update':
        return announce(this.#options, device.update, { ...all, ...data });
      case 'device.command':
        return announce(this.#options, device.command, { ...all, ...data });
    }
  }
}
