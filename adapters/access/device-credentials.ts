/** New keys and tokens of devices, as they are stored: of a key the hash of its secret, of a token only that there is one. */
import { uuidv7 } from 'uuidv7';
import type { Limits } from '../../contracts/limits.ts';
import type { DeviceScope } from '../../contracts/permissions.ts';
import type { Sealer } from '../../contracts/sealing.ts';
import type { Database, Transaction } from '../database/database.ts';
import { issuerOf, TokenSigner } from './json-web-tokens.ts';
import { newKey } from './keys.ts';
import { SigningKeys } from './signing-keys.ts';

/** The device that a token is for. */
export type Holder = { readonly tenant: string; readonly device: string };
/** A token whose row is not there yet: it works when that is. */
export type NewToken = {
  readonly id: string;
  readonly text: string;
  /** Null: all. */
  readonly scopes: readonly DeviceScope[] | null;
  readonly expiresAt: Date;
};
/** Those from provisioning are replaced when the device is provisioned again. */
export type IssuedFrom = 'request' | 'provisioning';
type WantedToken = { readonly scopes: readonly DeviceScope[] | null; readonly ttlSeconds: number };
type Parts = {
  readonly config: { readonly publicUrl: string | undefined; readonly limits: Limits };
  readonly database: Database;
  readonly sealer: Sealer;
};

/** Signs tokens of devices. Never inside of a transaction: it may have to read the signing keys, and an embedded database has one connection. */
export class DeviceTokens {
  readonly #signer: TokenSigner;

  constructor({ config, database, sealer }: Parts) {
    this.#signer = new TokenSigner(new SigningKeys({ database, sealer, limits: config.limits }), issuerOf(config));
  }

  async make({ tenant, device }: Holder, { scopes, ttlSeconds }: WantedToken): Promise<NewToken> {
    const id = uuidv7();
    // A token says whole seconds.
    const expiresAt = new Date((Math.floor(Date.now() / 1000) + ttlSeconds) * 1000);
    const claims = { jti: id, tenant, ...(scopes !== null && { scopes }) };
    const text = await this.#signer.sign(claims, { typ: 'device', subject: device, ttlSeconds });
    return { id, text, scopes, expiresAt };
  }
}

export async function insertToken(
  tx: Transaction,
  deviceUid: number,
  { id, scopes, expiresAt }: NewToken,
  createdBy: string,
  issuedFrom: IssuedFrom = 'request',
): Promise<void> {
  await tx.query(
    `INSERT INTO device_token (token_id, device_uid, scopes, created_by, expires_at, issued_from)
     VALUES ($1, $2, $3::text[], $4, $5::timestamptz, $6)`,
    [id, deviceUid, scopes, createdBy, expiresAt, issuedFrom],
  );
}

export type WantedKey = {
  readonly name: string | null;
  readonly scopes: readonly DeviceScope[] | null;
  readonly expiresAt: Date | null;
};

/** Answers with the id of the key and its text, which nobody can find out later. */
export async function insertKey(
  tx: Transaction,
  deviceUid: number,
  { name, scopes, expiresAt }: WantedKey,
  issuedFrom: IssuedFrom = 'request',
): Promise<{ id: string; text: string }> {
  const key = newKey('device');
  await tx.query(
    `INSERT INTO device_key (key_id, device_uid, secret_hash, name, scopes, expires_at, issued_from)
     VALUES ($1, $2, $3, $4, $5::text[], $6::timestamptz, $7)`,
    [key.id, deviceUid, key.hash, name, scopes, expiresAt, issuedFrom],
  );
  return { id: key.id, text: key.text };
}
