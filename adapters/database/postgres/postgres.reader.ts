/** A statement that comes very often, on a connection of its own that has prepared it: parsing and planning cost more than what it does. */
import pg from 'pg';
import type { Row } from '../database.ts';
import { Turnstile } from '../turnstile.ts';
import { isStaleStatement, toDatabaseError } from '../wire/database-errors.ts';
import { StatementNames } from '../wire/statement-names.ts';
import { encodePrepare, encodePrepared } from '../wire/step-messages.ts';
import { type ConnectionSettings, clientSettings, prepareSession } from './connection-settings.ts';
import { BY_KEYS } from './lane-connection.ts';
import { Session } from './session.ts';

/** Beyond it an answer would come too late to be of use. */
const WAITING_MAX = 1_000;

type Prepared = { readonly client: pg.Client; readonly session: Session; readonly names: StatementNames };

export class PostgresReader {
  readonly #sql: string;
  readonly #settings: ConnectionSettings;
  readonly #turnstile: Turnstile;
  #prepared: Prepared | undefined;

  constructor(sql: string, settings: ConnectionSettings) {
    this.#sql = sql;
    this.#settings = { ...settings, applicationName: 'skein reader' };
    this.#turnstile = new Turnstile('A reader', 1, WAITING_MAX);
  }

  read<R extends Row>(params: readonly unknown[]): Promise<R[]> {
    return this.#turnstile.exclusive(async () => {
      const { session, names } = await this.#connected();
      try {
        const answers = await session.send(encodePrepared(names.of(this.#sql), params));
        return answers.rows[0] as R[];
      } catch (error) {
        // A new connection prepares it anew.
        if (isStaleStatement(error)) session.destroy(error as Error);
        throw toDatabaseError(error, false);
      }
    });
  }

  async close(): Promise<void> {
    await this.#turnstile.close();
    await this.#prepared?.client.end().catch(() => {});
    this.#prepared = undefined;
  }

  async #connected(): Promise<Prepared> {
    if (this.#prepared !== undefined && !this.#prepared.session.broken) return this.#prepared;
    const { limits } = this.#settings;
    const client = new pg.Client(clientSettings(this.#settings));
    const session = new Session(client, 2 * limits.queryTimeoutMs);
    const names = new StatementNames();
    try {
      await client.connect();
      await prepareSession(client, limits.queryTimeoutMs);
      await client.query(BY_KEYS);
      await session.send(encodePrepare([this.#sql], names));
    } catch (error) {
      session.destroy(error as Error);
      throw toDatabaseError(error, false);
    }
    this.#prepared = { client, session, names };
    return this.#prepared;
  }
}
