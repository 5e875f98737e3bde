/** Keeping secrets at rest: what the database holds of them can't be read without the key of this system. */
export interface Sealer {
  /**
   * Encrypts. `about` names what it is (`user 42 totp`): the same must be said to open it, so that a sealed text that was moved
   * to another row does not open.
   */
  seal(secret: Uint8Array, about: string): Uint8Array;
  /** Throws when it was changed, moved, or sealed with a key that is not known. */
  open(sealed: Uint8Array, about: string): Uint8Array;
  /** For whoever replaces them. */
  readonly dataKeys: DataKeys;
}

/** The keys that seal, each known by its number. */
export interface DataKeys {
  /** Of the key of this system, with which they are wrapped: which one it is, and nothing of it. */
  readonly fingerprint: string;
  /** How many of them were wrapped with the previous key of the system when this process started. */
  readonly rewrapped: number;
  /** The one that seals now. */
  readonly current: number;
  /** There are older ones, with which something may be sealed. */
  readonly hasOlder: boolean;
  /** A new one, which seals when all nodes know it; in the caller's transaction, which has locked them. */
  add(tx: Querying): Promise<NewDataKey>;
  /** Reads them again. */
  refresh(): Promise<void>;
}
export type NewDataKey = { readonly id: number; readonly sealsFrom: Date };
type Querying = {
  query<R extends Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<R[]>;
};

const KEY_BYTES = 32;

/** The key of a system: 32 bytes, as base64, base64url or hex; undefined: it is not that. */
export function parseSystemKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return undefined;
  const key = Buffer.from(trimmed.replaceAll('-', '+').replaceAll('_', '/'), 'base64');
  return key.length === KEY_BYTES ? key : undefined;
}
