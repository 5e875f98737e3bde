/**
 * Seals secrets with a data key of the database, which itself is there only encrypted with the key of this system. So the key of the
 * system can be replaced without touching what is sealed.
 *
 * A new data key waits before it seals, so that every node has read it by then. Who has read none for long seals no more: an older key may be
 * taken away when nobody can be sealing with it any longer.
 */
import { SkeinError } from '../../contracts/errors.ts';
import { LIMITS } from '../../contracts/limits.ts';
import type { InstanceId } from '../../contracts/ownership.ts';
import type { DataKeys, NewDataKey, Sealer } from '../../contracts/sealing.ts';
import type { Database, Transaction } from '../database/database.ts';
import { decrypt, encrypt } from './aead.ts';
import { type DataKeyRow, fingerprintOf, insertDataKey, readDataKeys, takeDataKeys, unwrap } from './data-key-rows.ts';
import { type DataKeyLimits, keepSecondsOf, leadSecondsOf } from './data-key-times.ts';
import { keyIdOf, SEALED_HEAD_BYTES, sealedHead } from './sealed-head.ts';
import { wrongKey } from './system-key.ts';
import { SystemKeyError } from './system-key-error.ts';

export type SealerOptions = {
  readonly previous?: Uint8Array | undefined;
  /** The setting or the file that the key came from. */
  readonly from?: string;
  readonly limits?: DataKeyLimits;
  readonly warn?: (text: string) => void;
  /** Milliseconds, from any moment on. */
  readonly monotonic?: () => number;
};

/** Rejects with a SystemKeyError when the secrets of this database were sealed with another key. */
export async function openSealer(
  database: Database,
  systemKey: Uint8Array,
  options: SealerOptions = {},
): Promise<DataKeySealer> {
  const { previous, from = 'SKEIN_SECRET_KEY' } = options;
  const { rows, rewrapped } = await takeDataKeys(database, systemKey, previous);
  const fingerprint = fingerprintOf(systemKey);
  if (rows.some(it => it.wrapped_with !== fingerprint)) throw new SystemKeyError(wrongKey({ from, previous }));
  const sealer = new DataKeySealer(database, systemKey, rewrapped, options);
  sealer.know(rows);
  return sealer;
}

export class DataKeySealer implements Sealer, DataKeys {
  readonly fingerprint: string;
  readonly rewrapped: number;
  readonly #database: Database;
  readonly #systemKey: Uint8Array;
  readonly #previous: Uint8Array | undefined;
  readonly #limits: NonNullable<SealerOptions['limits']>;
  readonly #warn: (text: string) => void;
  readonly #monotonic: () => number;
  #keys: ReadonlyMap<number, Uint8Array> = new Map();
  #newest = 0;
  #current = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(database: Database, systemKey: Uint8Array, rewrapped: number, options: SealerOptions) {
    this.fingerprint = fingerprintOf(systemKey);
    this.rewrapped = rewrapped;
    this.#database = database;
    this.#systemKey = systemKey;
    this.#previous = options.previous;
    this.#limits = options.limits ?? LIMITS;
    this.#warn = options.warn ?? (() => {});
    this.#monotonic = options.monotonic ?? (() => performance.now());
  }

  get dataKeys(): DataKeys {
    return this;
  }

  get current(): number {
    return this.#current;
  }

  get hasOlder(): boolean {
    return [...this.#keys.keys()].some(id => id < this.#current);
  }

  seal(secret: Uint8Array, about: string): Uint8Array {
    const ageMs = this.#monotonic() - this.#readAtMs;
    // What is sealed has to be stored before the key may be taken away: half of the time is for that.
    if (ageMs > (keepSecondsOf(this.#limits) * 1_000) / 2) throw this.#later();
    return Buffer.concat([sealedHead(this.#current), encrypt(this.#keys.get(this.#current)!, secret, about)]);
  }

  open(sealed: Uint8Array, about: string): Uint8Array {
    const id = keyIdOf(sealed);
    const key = id === undefined ? undefined : this.#keys.get(id);
    if (key !== undefined) return decrypt(key, sealed.subarray(SEALED_HEAD_BYTES), about);
    // Another node has one that this node has not read yet.
    if (id !== undefined && id > this.#newest) throw this.#later();
    throw new Error('Sealed with a key that is not known');
  }

  add(tx: Pick<Transaction, 'query'>): Promise<NewDataKey> {
    return insertDataKey(tx, this.#systemKey, leadSecondsOf(this.#limits));
  }

  /** Says which key of the system this run of a node has: nobody makes a new data key while they differ. */
  async declare(instanceId: InstanceId): Promise<void> {
    await this.#database.query('UPDATE node_session SET system_key = $2 WHERE instance_id = $1', [
      instanceId,
      this.fingerprint,
    ]);
  }

  /** Reads the data keys again, from time to time. */
  start(): void {
    const read = () => this.refresh().catch(() => this.#warn('The data keys could not be read'));
    this.#timer ??= setInterval(read, this.#limits.dataKeyReadSeconds * 1_000).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#reading?.catch(() => {});
  }

  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const startedAtMs = this.#monotonic();
    this.know(await readDataKeys(this.#database), startedAtMs);
  }

  /** For those that make one: these are all there are. */
  know(rows: readonly DataKeyRow[], atMs = this.#monotonic()): void {
    const keys = new Map<number, Uint8Array>();
    for (const row of rows) {
      const key = this.#keys.get(row.data_key_id) ?? this.#unwrapped(row);
      if (key !== undefined) keys.set(row.data_key_id, key);
    }
    const sealing = rows.findLast(it => it.seals && keys.has(it.data_key_id));
    if (sealing === undefined) return;
    this.#keys = keys;
    this.#newest = Math.max(...keys.keys());
    this.#current = sealing.data_key_id;
    this.#readAtMs = atMs;
  }

  #unwrapped(row: DataKeyRow): Uint8Array | undefined {
    if (row.wrapped_with === this.fingerprint) return unwrap(this.#systemKey, row);
    if (this.#previous !== undefined && row.wrapped_with === fingerprintOf(this.#previous))
      return unwrap(this.#previous, row);
    this.#warn(`${wrongKey({ from: 'this node', previous: this.#previous })} It is about data key ${row.data_key_id}.`);
    return undefined;
  }

  #later(): SkeinError {
    this.refresh().catch(() => {});
    return new SkeinError('unavailable', 'The keys that seal secrets are just being read; try again');
  }
}
