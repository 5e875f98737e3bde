/** Keeping secrets at rest: what the database holds of them can't be read without the key of this system. */
export interface Sealer {
  /**
   * Encrypts. `about` names what it is (`user 42 totp`): the same must be said to open it, so that a sealed text that was moved
   * to another row does not open.
   */
  seal(secret: Uint8Array, about: string): Uint8Array;
  /** Throws when it was changed, moved, or sealed with a key that is not known. */
  open(sealed: Uint8Array, about: string): Uint8Array;
}

const KEY_BYTES = 32;

/** The key of a system: 32 bytes, as base64, base64url or hex; undefined: it is not that. */
export function parseSystemKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return undefined;
  const key = Buffer.from(trimmed.replaceAll('-', '+').replaceAll('_', '/'), 'base64');
  return key.length === KEY_BYTES ? key : undefined;
}
