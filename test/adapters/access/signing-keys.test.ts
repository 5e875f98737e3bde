import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import jwt from 'jsonwebtoken';
import { TokenSigner, TokenVerifier } from '../../../adapters/access/json-web-tokens.ts';
import { SigningKeys } from '../../../adapters/access/signing-keys.ts';
import { PublicKeys } from '../../../adapters/access/signing-keys-public.ts';
import type { Database } from '../../../adapters/database/database.ts';
import { openSealer } from '../../../adapters/secrets/sealer.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { Sealer } from '../../../contracts/sealing.ts';
import { ENGINE_NAMES, type Subject } from '../database/engines.ts';
import { startWithSchema } from '../database/runs.ts';

for (const engine of ENGINE_NAMES)
  describe(`on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    let sealer: Sealer;
    before(async () => {
      subject = await startWithSchema(engine);
      database = subject.database;
      sealer = await openSealer(database, randomBytes(32));
    });
    after(() => subject?.stop());
    beforeEach(async () => {
      await database.query('DELETE FROM signing_key');
    });

    /** Another node: it knows only what the database says. Its clock for what it has read can be moved. */
    const node = () => {
      const clock = { nowMs: Date.now(), now: () => clock.nowMs };
      const keys = new SigningKeys({ database, sealer, limits: LIMITS }, clock);
      const publicKeys = new PublicKeys(database, LIMITS, clock);
      const verifier = new TokenVerifier(publicKeys, 'skein', LIMITS);
      const signer = new TokenSigner(keys, 'skein');
      const sign = (ttlSeconds = 900) =>
        signer.sign({ jti: 'j', tenant: 't' }, { typ: 'access', subject: 's', ttlSeconds });
      const isGood = async (token: string) => (await verifier.verify(token, 'access')) !== undefined;
      const passes = (seconds: number) => {
        clock.nowMs += seconds * 1000;
      };
      return { keys, publicKeys, sign, isGood, passes };
    };
    const kidOf = (token: string) => jwt.decode(token, { complete: true })!.header.kid;
    const count = async () => (await database.query('SELECT FROM signing_key')).length;
    const rotate = (keys: SigningKeys, endsOthers = false) => database.transaction(tx => keys.rotate(tx, endsOthers));

    test('nodes that start at once end with one key, and each verifies what the other one signs', async () => {
      const nodes = [node(), node(), node()];
      const made = await Promise.all(nodes.map(it => it.keys.ensure()));
      assert.equal(made.filter(it => it !== undefined).length, 1);
      assert.equal(await count(), 1);
      const token = await nodes[0]!.sign();
      for (const it of nodes) assert.equal(await it.isGood(token), true);
    });

    test('a token that is to be signed before there is a key makes the first', async () => {
      const [one, two] = [node(), node()];
      const tokens = await Promise.all([one.sign(), two.sign()]);
      assert.equal(await count(), 1);
      assert.equal(kidOf(tokens[0]!), kidOf(tokens[1]!));
    });

    test('a new key signs when every node has had the time to read it, and the old one goes on verifying', async () => {
      const [one, two] = [node(), node()];
      const old = await one.sign();
      assert.equal(await two.isGood(old), true);
      const { kid, signsFrom } = await rotate(one.keys);
      assert.ok(signsFrom.getTime() > Date.now());
      assert.equal(kidOf(await one.sign()), kidOf(old));
      assert.deepEqual(
        (await node().publicKeys.all()).map(it => it.kid),
        [kidOf(old), kid],
      );
      one.passes(LIMITS.signingKeyLeadSeconds + 1);
      const fresh = await one.sign();
      assert.equal(kidOf(fresh), kid);
      // The other node has not read the keys since: it looks again because it does not know this one.
      two.passes(LIMITS.signingKeyMissSeconds);
      assert.equal(await two.isGood(fresh), true);
      assert.equal(await two.isGood(old), true);
    });

    test('a new key that waits already is not made again', async () => {
      const { keys, sign } = node();
      await sign();
      const [first, second] = [await rotate(keys), await rotate(keys)];
      assert.equal(first.kid, second.kid);
      assert.equal(await count(), 2);
    });

    test('a key verifies until the longest of its tokens has ended, is not shown after it, and is removed in the end', async () => {
      const one = node();
      const old = await one.sign(365 * 24 * 3600);
      await one.sign();
      const retiresAt = async () =>
        (
          await database.query<{ retires_at: Date }>('SELECT retires_at FROM signing_key WHERE kid = $1', [kidOf(old)])
        )[0]!.retires_at;
      assert.ok((await retiresAt()).getTime() > (jwt.decode(old) as jwt.JwtPayload).exp! * 1000);
      await rotate(one.keys);
      await database.query(`UPDATE signing_key SET signs_from = now() WHERE signs_from > now()`);
      assert.equal(await node().isGood(old), true);
      await database.query(`UPDATE signing_key SET retires_at = now() - interval '1 hour' WHERE kid = $1`, [
        kidOf(old),
      ]);
      assert.equal(await node().isGood(old), false);
      assert.equal((await node().publicKeys.all()).length, 1);
      await one.keys.ensure();
      assert.equal(await count(), 2);
      await database.query(`UPDATE signing_key SET retires_at = now() - interval '25 hours' WHERE kid = $1`, [
        kidOf(old),
      ]);
      await one.keys.ensure();
      assert.equal(await count(), 1);
    });

    test('a key that has served its time is followed by another one, once', async () => {
      const nodes = [node(), node()];
      await nodes[0]!.sign();
      assert.equal(await nodes[0]!.keys.ensure(), undefined);
      await database.query('UPDATE signing_key SET created_at = now() - make_interval(days => $1)', [
        LIMITS.signingKeyDays,
      ]);
      const made = await Promise.all(nodes.map(it => it.keys.ensure()));
      assert.equal(made.filter(it => it !== undefined).length, 1);
      assert.equal(await count(), 2);
    });

    test('a rotation that ends the others does so, and nodes go on with the new key', async () => {
      const [one, two] = [node(), node()];
      const old = await one.sign();
      await two.sign();
      await rotate(one.keys, true);
      assert.equal(await count(), 1);
      assert.equal(await node().isGood(old), false);
      two.passes(LIMITS.signingKeyReadSeconds);
      for (const it of [one, two]) assert.equal(await node().isGood(await it.sign()), true);
      // One that has not read them since finds out when it has to write how long its key is needed.
      const late = node();
      await late.sign();
      await rotate(one.keys, true);
      assert.equal(await node().isGood(await late.sign(365 * 24 * 3600)), true);
    });

    test('tokens of every length cost a write now and then, not each', async () => {
      const { sign } = node();
      await sign();
      const query = database.query.bind(database);
      let writes = 0;
      database.query = ((sql: string, params?: unknown[]) => {
        if (sql.includes('UPDATE signing_key')) writes++;
        return query(sql, params);
      }) as typeof database.query;
      try {
        for (let i = 0; i < 20; i++) await sign(900 + i);
        assert.equal(writes, 0);
      } finally {
        database.query = query;
      }
    });

    test('the private key is sealed, and what is public has nothing of it', async () => {
      const { sign, publicKeys } = node();
      await sign();
      const [row] = await database.query<{ kid: string; private_key: Uint8Array; public_jwk: object }>(
        'SELECT * FROM signing_key',
      );
      assert.throws(() => sealer.open(row!.private_key, 'signing key other'));
      assert.deepEqual(Object.keys(row!.public_jwk).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
      assert.deepEqual(await publicKeys.all(), [row!.public_jwk]);
    });
  });
