import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TOTP, URI } from 'otpauth';
import { accountOf, holdAccount } from '../../services/auth/accounts.ts';
import { addPerson, audits, logIn, me, PASSWORD, type Person, session } from './auth-node.ts';
import { ask, type RestNode, startRestNode } from './rest-node.ts';

let node: RestNode;
before(async () => {
  node = await startRestNode({ env: { SKEIN_LIMIT_LOGIN_FAILURES_PER_ACCOUNT: '6' } });
});
after(() => node?.stop());

const STEP_MS = 30_000;
/** What the app shows; `steps` later. */
const codeOf = (app: TOTP, steps = 0) => app.generate({ timestamp: Date.now() + steps * STEP_MS });
/** Codes that were used may be used again, as they may be later. */
const laterOn = ({ id }: Person) =>
  node.database.query('UPDATE app_user SET totp_last_step = 0 WHERE user_id = $1', [id]);
/** The app, and what was shown once. */
async function begin(person: Person) {
  const { accessToken: key } = await session(node, person);
  const { status, body } = await ask(node, 'POST /api/v1/auth/totp', { key, body: { password: PASSWORD } });
  assert.equal(status, 200, JSON.stringify(body));
  const app = URI.parse(body.uri) as TOTP;
  assert.equal(app.secret.base32, body.secret);
  const confirm = (code: string) => ask(node, 'POST /api/v1/auth/totp/confirm', { key, body: { code } });
  return { key, app, recoveryCodes: body.recoveryCodes as string[], uri: body.uri as string, confirm };
}
async function withApp() {
  const person = await addPerson(node);
  const begun = await begin(person);
  assert.deepEqual((await begun.confirm(codeOf(begun.app))).body, { totp: true });
  await laterOn(person);
  return { person, ...begun };
}
const wrong = (app: TOTP) => {
  const good = [-2, -1, 0, 1, 2].map(steps => codeOf(app, steps));
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find(it => !good.includes(it))!;
};

test('a second factor counts when it is confirmed, and is then needed after the right password', async () => {
  const person = await addPerson(node);
  const { app, uri, recoveryCodes, confirm, key } = await begin(person);
  assert.match(uri, /^otpauth:\/\/totp\/Skein:person-\d+%40example\.org\?issuer=Skein&secret=[A-Z2-7]{32}&/);
  assert.equal(new Set(recoveryCodes).size, 10);
  for (const it of recoveryCodes) assert.match(it, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
  assert.equal((await logIn(node, person)).status, 200);
  assert.equal((await confirm(wrong(app))).body.type, 'unauthorized');
  assert.equal((await confirm(codeOf(app))).status, 200);
  assert.equal((await me(node, key)).body.totp, true);
  const needed = await logIn(node, person);
  assert.equal(needed.status, 401);
  assert.equal(needed.body.type, 'second_factor_needed');
  assert.equal((await logIn(node, person, { password: 'wrong' })).body.type, 'unauthorized');
  assert.equal((await logIn(node, person, { password: 'wrong', totp: codeOf(app, 1) })).body.type, 'unauthorized');
  assert.equal((await logIn(node, person, { totp: codeOf(app, 1) })).status, 200);
  assert.equal((await audits(node, 'totp.enabled'))[0]!.target, `user ${person.id}`);
});

test('a code is good once, also for a confirmation, and one before it is good no more', async () => {
  const person = await addPerson(node);
  const { app, confirm } = await begin(person);
  const first = codeOf(app);
  await confirm(first);
  assert.equal((await logIn(node, person, { totp: first })).status, 401);
  const next = codeOf(app, 1);
  const both = await Promise.all([logIn(node, person, { totp: next }), logIn(node, person, { totp: next })]);
  assert.deepEqual(both.map(it => it.status).sort(), [200, 401]);
  assert.equal((await logIn(node, person, { totp: first })).status, 401);
});

test('codes of one step before and after are taken, and no others', async () => {
  const { person, app } = await withApp();
  for (const [steps, status] of [
    [-1, 200],
    [1, 200],
    [-3, 401],
    [3, 401],
  ] as const) {
    // Again when a step ended meanwhile: then it was one more before.
    for (let before = -1, answer = 0; before !== app.counter(); ) {
      await laterOn(person);
      before = app.counter();
      answer = (await logIn(node, person, { totp: codeOf(app, steps) })).status;
      if (before === app.counter()) assert.equal(answer, status, String(steps));
    }
  }
});

test('a recovery code is good once, in whatever way it is typed', async () => {
  const { person, recoveryCodes } = await withApp();
  const [one, two] = recoveryCodes as [string, string];
  const typed = ` ${one.toUpperCase().replaceAll('-', ' ')} `;
  assert.equal((await logIn(node, person, { recoveryCode: typed })).status, 200);
  assert.equal((await logIn(node, person, { recoveryCode: one })).status, 401);
  assert.equal((await logIn(node, person, { recoveryCode: two })).status, 200);
  assert.equal((await logIn(node, person, { recoveryCode: '' })).status, 400);
});

test('the recovery code of somebody else is none', async () => {
  const [one, other] = [await withApp(), await withApp()];
  assert.equal((await logIn(node, one.person, { recoveryCode: other.recoveryCodes[0] })).status, 401);
});

test('who knows the password does not try codes for long, from wherever it comes', async () => {
  const { person, app } = await withApp();
  const guess = () => logIn(node, person, { totp: wrong(app) });
  for (let i = 0; i < 6; i++) assert.equal((await guess()).status, 401);
  assert.equal((await guess()).status, 429);
  // The count of codes is of the user alone; that of the address would be another one elsewhere.
  const elsewhere = await ask(node, 'POST /api/v1/auth/login', {
    key: null,
    body: { email: person.email, organization: 'default', password: PASSWORD, totp: codeOf(app) },
  });
  assert.equal(elsewhere.body.type, 'rate_limited');
});

test('a second factor is removed with password and code only', async () => {
  const { person, key, app, recoveryCodes } = await withApp();
  const remove = (password: string, code: string) =>
    ask(node, 'DELETE /api/v1/auth/totp', { key, body: { password, code } });
  const beginAgain = (password: string) => ask(node, 'POST /api/v1/auth/totp', { key, body: { password } });
  assert.equal((await beginAgain(PASSWORD)).body.type, 'conflict');
  assert.equal((await beginAgain('wrong')).body.type, 'unauthorized');
  assert.equal((await remove('wrong', codeOf(app))).status, 401);
  assert.equal((await remove(PASSWORD, wrong(app))).status, 401);
  assert.equal((await logIn(node, person)).body.type, 'second_factor_needed');
  assert.deepEqual((await remove(PASSWORD, recoveryCodes[3]!)).body, { totp: false });
  assert.equal((await remove(PASSWORD, recoveryCodes[4]!)).body.type, 'conflict');
  assert.equal((await logIn(node, person)).status, 200);
  assert.equal((await audits(node, 'totp.disabled'))[0]!.target, `user ${person.id}`);
  await begin(person);
});

test('the secret is sealed, for this user only, and recovery codes are hashes', async () => {
  const { person, app, recoveryCodes } = await withApp();
  const [row] = await node.database.query<{ totp_secret: Uint8Array; recovery_hashes: Uint8Array[] }>(
    'SELECT totp_secret, recovery_hashes FROM app_user WHERE user_id = $1',
    [person.id],
  );
  const opened = node.sealer.open(row!.totp_secret, `user ${person.id} totp`);
  assert.deepEqual(Buffer.from(opened), Buffer.from(app.secret.bytes));
  assert.throws(() => node.sealer.open(row!.totp_secret, 'user 2 totp'));
  assert.ok(!Buffer.from(row!.totp_secret).includes(Buffer.from(app.secret.bytes)));
  assert.deepEqual([row!.recovery_hashes.length, row!.recovery_hashes[0]!.length], [10, 32]);
  assert.ok(!JSON.stringify(node.logged).includes(recoveryCodes[0]!));
});

test('a login that began before the second factor was confirmed does not end without it', async () => {
  const person = await addPerson(node);
  const [row] = await node.database.query<{ tenant_id: number }>('SELECT tenant_id FROM app_user WHERE user_id = $1', [
    person.id,
  ]);
  const before = (await accountOf(node.database, row!.tenant_id, person.id))!;
  const holds = () => node.database.transaction(tx => holdAccount(tx, before));
  assert.equal(await holds(), true);
  await node.database.query('UPDATE app_user SET totp_confirmed = true WHERE user_id = $1', [person.id]);
  assert.equal(await holds(), false);
});
