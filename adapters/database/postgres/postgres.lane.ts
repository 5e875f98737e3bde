/** A lane on PostgreSQL: one connection, one transaction at a time, in the order in which they were asked for. */
import type { Lane, Row, Step } from '../database.ts';
import { Turnstile } from '../turnstile.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { LaneConnection } from './lane-connection.ts';

/** Commits that wait for their turn: a host gathers while one is under way, so more than a few is a mistake. */
const WAITING_MAX = 64;

export class PostgresLane implements Lane {
  readonly #settings: ConnectionSettings;
  readonly #turnstile: Turnstile;
  #connection: LaneConnection | undefined;

  constructor(name: string, settings: ConnectionSettings) {
    this.#settings = { ...settings, applicationName: `skein lane ${name}` };
    this.#turnstile = new Turnstile(`Lane ${name}`, 1, WAITING_MAX);
  }

  commit(steps: readonly Step[]): Promise<Row[][]> {
    return this.#turnstile.exclusive(async () => (await this.#connected()).commit(steps));
  }

  async close(): Promise<void> {
    await this.#turnstile.close();
    await this.#connection?.end();
    this.#connection = undefined;
  }

  async #connected(): Promise<LaneConnection> {
    if (this.#connection !== undefined && !this.#connection.broken) return this.#connection;
    const connection = new LaneConnection(this.#settings);
    await connection.connect();
    this.#connection = connection;
    return connection;
  }
}
