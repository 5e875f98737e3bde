import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Refreshing } from '../../services/auth/refreshing.ts';
import { addPerson, audits, logIn, me, refresh, session } from './auth-node.ts';
import { ask, ENGINES, type RestNode, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    before(async () => {
      node = await startRestNode({ engine });
    });
    after(() => node?.stop());

    const loginOf = (refreshToken: string) => refreshToken.split('_')[1]!;
    /** The secret may have `_` in it too. */
    const partsOf = (token: string) => /^(skr)_([^_]+)_([^_]+)_(.+)$/.exec(token)!.slice(1);
    const spoilt = (token: string, part: number, text: string) => partsOf(token).with(part, text).join('_');
    const change = (token: string, columns: string) =>
      node.database.query(`UPDATE login SET ${columns} WHERE login_id = $1`, [loginOf(token)]);

    test('each refresh token gives the next one, at both paths', async () => {
      const person = await addPerson(node);
      let { refreshToken } = (await logIn(node, person)).body;
      for (let generation = 2; generation < 6; generation++) {
        const path = generation % 2 === 0 ? '/api/v1/auth/refresh' : '/api/auth/token';
        const { status, body } = await ask(node, `POST ${path}`, { key: null, body: { refreshToken } });
        assert.equal(status, 200);
        assert.match(body.refreshToken, new RegExp(`^skr_${loginOf(refreshToken)}_${generation}_`));
        assert.equal((await me(node, body.accessToken)).body.id, person.id);
        refreshToken = body.refreshToken;
      }
    });

    test('one that was used comes back: the whole login ends, for the thief and for the user', async () => {
      const person = await addPerson(node);
      const stolen = await session(node, person);
      const elsewhere = await session(node, person);
      const next = (await refresh(node, stolen.refreshToken)).body;
      const newest = (await refresh(node, next.refreshToken)).body;
      assert.equal((await me(node, newest.accessToken)).status, 200);
      const again = await refresh(node, stolen.refreshToken);
      assert.equal(again.status, 401);
      for (const it of [next, newest, stolen]) {
        assert.equal((await me(node, it.accessToken)).status, 401);
        assert.equal((await refresh(node, it.refreshToken)).status, 401);
      }
      assert.equal((await me(node, elsewhere.accessToken)).status, 200);
      const reused = await audits(node, 'login.reused');
      assert.equal(reused.length, 1);
      assert.partialDeepStrictEqual(reused[0], {
        target: `login ${loginOf(stolen.refreshToken)}`,
        result: 'refused',
        data: { userId: person.id, generation: 1, newest: 3 },
      });
      const revoked = await node.database.query(`SELECT FROM revocation WHERE kind = 'login' AND subject = $1`, [
        loginOf(stolen.refreshToken),
      ]);
      assert.equal(revoked.length, 1);
    });

    test('who only knows the id of a login does not end it', async () => {
      const { refreshToken } = await session(node, await addPerson(node));
      const newest = (await refresh(node, refreshToken)).body.refreshToken;
      const secret = 'x'.repeat(65);
      for (const token of [
        spoilt(spoilt(newest, 2, '1'), 3, secret),
        spoilt(newest, 3, secret),
        spoilt(newest, 2, '3'),
        spoilt(newest, 2, '0'),
        spoilt(newest, 2, '99999999999'),
        newest.slice(0, -1),
        `${newest}x`,
        newest.replace('skr_', 'ska_'),
        newest.toUpperCase(),
        '',
      ])
        assert.ok([400, 401].includes((await refresh(node, token)).status), token);
      assert.equal((await refresh(node, newest)).status, 200);
    });

    test('an unused login ends after a while, and every login in the end', async () => {
      const person = await addPerson(node);
      const [unused, old, good] = [
        await session(node, person),
        await session(node, person),
        await session(node, person),
      ];
      await change(unused.refreshToken, `last_used_at = now() - interval '31 days'`);
      await change(old.refreshToken, `expires_at = now() - interval '1 second'`);
      assert.equal((await refresh(node, unused.refreshToken)).status, 401);
      assert.equal((await refresh(node, old.refreshToken)).status, 401);
      await change(good.refreshToken, `last_used_at = now() - interval '29 days'`);
      assert.equal((await refresh(node, good.refreshToken)).status, 200);
    });

    test('of many requests with the same token at once exactly one gets the next, and the login goes on', async () => {
      const { refreshToken } = await session(node, await addPerson(node));
      // Each is a node of its own: they know of each other only by the database.
      const nodes = Array.from({ length: 4 }, () => new Refreshing(node.database, 30));
      const isOwnConnection = engine === 'postgres';
      const gate = isOwnConnection ? await holdLogin(node, loginOf(refreshToken)) : undefined;
      const under = Promise.all(
        (isOwnConnection ? nodes : nodes.slice(0, 1)).map(it => it.refresh(refreshToken, null)),
      );
      await gate?.open(nodes.length);
      const winners = (await under).filter(it => !('refused' in it));
      assert.equal(winners.length, 1);
      const winner = winners[0]!;
      assert.ok('refreshToken' in winner);
      assert.equal((await refresh(node, winner.refreshToken)).status, 200);
    });

    test('the same within one process', async () => {
      const { refreshToken } = await session(node, await addPerson(node));
      const refreshing = new Refreshing(node.database, 30);
      const answers = await Promise.all(Array.from({ length: 5 }, () => refreshing.refresh(refreshToken, null)));
      const winners = answers.filter(it => !('refused' in it));
      assert.equal(winners.length, 1);
      assert.equal((await refresh(node, (winners[0] as { refreshToken: string }).refreshToken)).status, 200);
      assert.deepEqual(
        answers.filter(it => 'refused' in it).map(it => (it as { revoked: unknown }).revoked),
        [[], [], [], []],
      );
    });
  });

/** Holds the row of a login until so many transactions wait for it: then all of them began before any of them had it. */
async function holdLogin({ database }: RestNode, loginId: string) {
  const held = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holding = database.transaction(async tx => {
    await tx.query('SELECT FROM login WHERE login_id = $1 FOR UPDATE', [loginId]);
    held.resolve();
    await release.promise;
  });
  await held.promise;
  const waiting = async () =>
    (
      await database.query(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE OF l%'`,
      )
    ).length;
  return {
    async open(count: number) {
      while ((await waiting()) < count) await new Promise(resolve => setTimeout(resolve, 10));
      release.resolve();
      await holding;
    },
  };
}
