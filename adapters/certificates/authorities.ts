/** The authorities in the database: made when the first one is needed, and replaced in time. All processes have the same. */
import type { Sealer } from '../../contracts/sealing.ts';
import type { Database, Transaction } from '../database/database.ts';
import { AUTHORITY_YEARS, type Authority, certificateOf, newAuthority } from './authority.ts';
import { signingKeyOf } from './key-pairs.ts';

type Row = { authority_id: number; certificate: string; private_key: Uint8Array };
/** An authority's certificate, without what it signs with. */
export type TrustedAuthority = { readonly id: number; readonly pem: string };

export type AuthoritiesOptions = {
  readonly database: Database;
  readonly sealer: Sealer;
  /** One that ends before the longest certificate that it may sign is replaced. */
  readonly longestDays: number;
  readonly nowMs?: () => number;
};

const DAY_MS = 86_400_000;
/** How long this process goes on with what it knows: a new authority of another one has to be known before its certificates are many. */
const KEEP_MS = 10_000;

export class Authorities {
  readonly #options: AuthoritiesOptions;
  readonly #nowMs: () => number;
  readonly #neededDays: number;
  /** Opened keys, by id: they never change. */
  readonly #opened = new Map<number, Promise<Authority>>();
  #known: { readonly atMs: number; readonly rows: readonly Row[] } | undefined;

  constructor(options: AuthoritiesOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    // Whatever is configured, it is not replaced before half of its time: a certificate then ends with its authority.
    this.#neededDays = Math.min(options.longestDays, (AUTHORITY_YEARS * 365) / 2);
  }

  /** The certificates that are not over, the newest first. None: nobody needed an authority yet. */
  async trusted(): Promise<readonly TrustedAuthority[]> {
    return (await this.#rows()).map(({ authority_id, certificate }) => ({ id: authority_id, pem: certificate }));
  }

  /** The one that signs certificates of devices. */
  async signing(): Promise<Authority> {
    const [newest] = await this.#ensured();
    return this.#open(newest!);
  }

  /**
   * The one that signs certificates of servers: the oldest that is good for so many days, because the devices that are out there know it,
   * and may not know a new one.
   */
  async forServers(days: number): Promise<Authority> {
    const rows = await this.#ensured();
    return this.#open(rows.findLast(row => this.#daysLeft(row) >= days) ?? rows[0]!);
  }

  async byId(id: number): Promise<Authority | undefined> {
    const row = (await this.#rows()).find(it => it.authority_id === id);
    return row && this.#open(row);
  }

  async #rows(): Promise<readonly Row[]> {
    const nowMs = this.#nowMs();
    if (this.#known === undefined || Math.abs(nowMs - this.#known.atMs) > KEEP_MS)
      this.#known = { atMs: nowMs, rows: await this.#read(this.#options.database) };
    return this.#known.rows;
  }

  async #ensured(): Promise<readonly Row[]> {
    const rows = await this.#rows();
    if (this.#isGood(rows[0])) return rows;
    const made = await this.#options.database.transaction(tx => this.#make(tx));
    this.#known = { atMs: this.#nowMs(), rows: made };
    return made;
  }

  /** Several processes may want one at the same moment; one of them makes it. */
  async #make(tx: Transaction): Promise<readonly Row[]> {
    await tx.query('LOCK TABLE certificate_authority IN SHARE ROW EXCLUSIVE MODE');
    const rows = await this.#read(tx);
    if (this.#isGood(rows[0])) return rows;
    const { pem, privateKey, notAfter } = await newAuthority(this.#nowMs());
    const [{ authority_id: id } = { authority_id: 0 }] = await tx.query<{ authority_id: number }>(
      `INSERT INTO certificate_authority (certificate, private_key, not_after) VALUES ($1, '', $2) RETURNING authority_id`,
      [pem, notAfter],
    );
    const sealed = this.#options.sealer.seal(privateKey, aboutKeyOf(id));
    await tx.query('UPDATE certificate_authority SET private_key = $2 WHERE authority_id = $1', [id, sealed]);
    return [{ authority_id: id, certificate: pem, private_key: sealed }, ...rows];
  }

  #read(db: Pick<Transaction, 'query'>): Promise<Row[]> {
    return db.query<Row>(
      `SELECT authority_id, certificate, private_key FROM certificate_authority
       WHERE not_after > $1 ORDER BY authority_id DESC`,
      [new Date(this.#nowMs())],
    );
  }

  #isGood(row: Row | undefined): boolean {
    return row !== undefined && this.#daysLeft(row) >= this.#neededDays;
  }

  #daysLeft({ certificate }: Row): number {
    return (certificateOf(certificate).notAfter.getTime() - this.#nowMs()) / DAY_MS;
  }

  #open({ authority_id: id, certificate, private_key }: Row): Promise<Authority> {
    const known = this.#opened.get(id);
    if (known !== undefined) return known;
    const opening = (async () => {
      const key = this.#options.sealer.open(private_key, aboutKeyOf(id));
      return { id, certificate: certificateOf(certificate), signingKey: await signingKeyOf(new Uint8Array(key)) };
    })();
    this.#opened.set(id, opening);
    opening.catch(() => this.#opened.delete(id));
    return opening;
  }
}

const aboutKeyOf = (id: number): string => `authority ${id}`;
