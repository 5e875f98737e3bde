import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Database } from '../../../adapters/database/database.ts';
import { encrypt } from '../../../adapters/secrets/aead.ts';
import { fingerprintOf, lockDataKeys } from '../../../adapters/secrets/data-key-rows.ts';
import { type DataKeySealer, openSealer, type SealerOptions } from '../../../adapters/secrets/sealer.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { ENGINE_NAMES, type Subject } from '../database/engines.ts';
import { startWithSchema } from '../database/runs.ts';

const SECRET = Buffer.from('a secret of somebody');
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

for (const engine of ENGINE_NAMES)
  describe(`Sealing on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    let systemKey: Uint8Array;
    before(async () => {
      subject = await startWithSchema(engine);
      database = subject.database;
    });
    after(() => subject?.stop());
    beforeEach(async () => {
      await database.query('DELETE FROM data_key');
      systemKey = randomBytes(32);
    });
    const node = (options: SealerOptions = {}, key = systemKey) => openSealer(database, key, options);
    const add = async (sealer: DataKeySealer) => {
      const { id } = await database.transaction(async tx => {
        await lockDataKeys(tx);
        return sealer.add(tx);
      });
      return id;
    };
    const itsTimeHasCome = (id: number) =>
      database.query('UPDATE data_key SET seals_from = now() WHERE data_key_id = $1', [id]);

    test('what one node seals another one opens, and only as what it was sealed', async () => {
      const [one, two] = await Promise.all([node(), node()]);
      const sealed = one.seal(SECRET, 'user 1');
      assert.equal(text(two.open(sealed, 'user 1')), text(SECRET));
      assert.throws(() => two.open(sealed, 'user 2'));
      assert.throws(() => two.open(Buffer.from(sealed).fill(0, 40, 41), 'user 1'));
      assert.throws(() => two.open(SECRET, 'user 1'), /not known/);
      assert.ok(!hex(sealed).includes(hex(SECRET)));
    });

    test('a node that starts while another one makes the first data key seals with it at once', async () => {
      let late: Promise<DataKeySealer> | undefined;
      await database.transaction(async tx => {
        await lockDataKeys(tx);
        late = node();
        // Its transaction has begun by now, where there are several at once, and waits.
        await new Promise(resolve => setTimeout(resolve, 300));
        await tx.query('INSERT INTO data_key (wrapped, wrapped_with, seals_from) VALUES ($1, $2, clock_timestamp())', [
          encrypt(systemKey, randomBytes(32), 'data key'),
          fingerprintOf(systemKey),
        ]);
      });
      const sealed = (await late!).seal(SECRET, 'user 1');
      assert.equal(text((await node()).open(sealed, 'user 1')), text(SECRET));
    });

    test('with another key nobody opens a sealer: it says what to do, and nothing of a key', async () => {
      await node();
      const other = randomBytes(32);
      await assert.rejects(node({ from: 'SKEIN_SECRET_KEY_FILE' }, other), (error: Error) => {
        assert.match(
          error.message,
          /another key than that of SKEIN_SECRET_KEY_FILE\. All nodes on one database need the same/,
        );
        for (const key of [other, systemKey])
          for (const shown of [hex(key), Buffer.from(key).toString('base64')])
            assert.ok(!error.message.includes(shown) && !error.message.includes(shown.slice(0, 8)));
        return true;
      });
      await assert.rejects(
        node({ previous: randomBytes(32) }, other),
        /and with another one than that of SKEIN_SECRET_KEY_PREVIOUS/,
      );
    });

    test('a new key of the system takes over from the previous one, also when many nodes start at once', async () => {
      const old = await node();
      const sealed = old.seal(SECRET, 'x');
      const next = randomBytes(32);
      const nodes = await Promise.all(Array.from({ length: 5 }, () => node({ previous: systemKey }, next)));
      for (const it of nodes) assert.equal(text(it.open(sealed, 'x')), text(SECRET));
      assert.equal(
        nodes.reduce((sum, it) => sum + it.rewrapped, 0),
        1,
      );
      // One that runs already has its data keys, and goes on.
      await old.refresh();
      assert.equal(text(old.open(nodes[0]!.seal(SECRET, 'y'), 'y')), text(SECRET));
      assert.equal(text(nodes[1]!.open(old.seal(SECRET, 'z'), 'z')), text(SECRET));
      // From now on the previous one is not needed, and the old one by itself is wrong.
      assert.equal((await node({}, next)).rewrapped, 0);
      await assert.rejects(node(), /another key/);
      assert.equal((await node({ previous: next })).rewrapped, 1);
    });

    test('a new data key seals when its time has come, and every node that read it opens it before', async () => {
      const [one, two] = [await node(), await node()];
      const first = one.current;
      const second = await add(one);
      await one.refresh();
      assert.equal(one.current, first);
      await itsTimeHasCome(second);
      await one.refresh();
      assert.equal(one.current, second);
      const sealed = one.seal(SECRET, 'x');
      // Control: one that did not read it asks to be tried again, and reads it.
      assert.throws(() => two.open(sealed, 'x'), { type: 'unavailable' });
      await two.refresh();
      assert.equal(text(two.open(sealed, 'x')), text(SECRET));
    });

    test('a node that could not read the keys for long seals nothing, until it has read them', async () => {
      let nowMs = 0;
      const sealer = await node({ monotonic: () => nowMs });
      const sealed = sealer.seal(SECRET, 'x');
      nowMs += (LIMITS.dataKeyKeepSeconds * 1_000) / 2;
      assert.doesNotThrow(() => sealer.seal(SECRET, 'x'));
      nowMs += 1;
      assert.throws(() => sealer.seal(SECRET, 'x'), { type: 'unavailable' });
      assert.equal(text(sealer.open(sealed, 'x')), text(SECRET));
      await sealer.refresh();
      assert.doesNotThrow(() => sealer.seal(SECRET, 'x'));
    });

    test('a data key that was wrapped with a key which this node does not have is left alone, with a warning', async () => {
      const said: string[] = [];
      const old = await node({ warn: it => said.push(it) });
      const next = await node({ previous: systemKey }, randomBytes(32));
      const id = await add(next);
      await itsTimeHasCome(id);
      await Promise.all([old.refresh(), next.refresh()]);
      assert.notEqual(old.current, id);
      assert.match(said.join(), new RegExp(`data key ${id}`));
      assert.equal(text(next.open(old.seal(SECRET, 'x'), 'x')), text(SECRET));
    });
  });
