/** Makes and uses a secret of each kind, rightly and wrongly, over REST and MQTT, as people, programs and devices do. */
import { randomBytes, randomUUID } from 'node:crypto';
import mqtt, { type MqttClient } from 'mqtt';
import { type TOTP, URI } from 'otpauth';
import { newKey } from '../../../adapters/access/keys.ts';
import type { Skein } from '../../support/skein.ts';
import { Secrets } from './secret-forms.ts';

export type Used = {
  readonly secrets: Secrets;
  /** Answers that may have no secret in them: refusals, and what was only read. */
  readonly told: readonly Told[];
  /** What it asks again with the same Idempotency-Key is answered the same. */
  readonly again: () => Promise<void>;
  /** With the second factor, of which the secret is opened. */
  readonly logInAgain: () => Promise<number>;
};
type Told = { readonly line: string; readonly text: string };
type Body = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
type Answer = { readonly status: number; readonly body: any };
type Place = Pick<Skein, 'httpPort' | 'mqttPort' | 'adminKey'>;

const random = (): string => randomBytes(24).toString('base64url');

export async function useEverySecret(place: Place): Promise<Used> {
  const use = new Use(place);
  use.secrets.add('key of the administrator', place.adminKey);
  const logInAgain = await use.people();
  const again = await use.keysAndDevices();
  await use.batches();
  await use.wrongOnes();
  await use.overMqtt();
  await use.reads();
  return { secrets: use.secrets, told: use.told, again, logInAgain };
}

class Use {
  readonly secrets = new Secrets();
  readonly told: Told[] = [];
  readonly #place: Place;
  #device = { id: 'press-1', apiKey: '', token: '' };
  #user = '';

  constructor(place: Place) {
    this.#place = place;
  }

  /** Keeps what is refused, and the secrets of what is not. */
  async ask(line: string, body?: unknown, key: string | null = this.#place.adminKey, more: Body = {}): Promise<Answer> {
    const [method, path] = line.split(' ') as [string, string];
    const response = await fetch(`http://127.0.0.1:${this.#place.httpPort}/api/v1${path}`, {
      method,
      headers: {
        ...(key !== null && { authorization: key.includes(' ') ? key : `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(more as Record<string, string>),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    const parsed = isJson && !response.headers.get('content-type')!.includes('ndjson') ? JSON.parse(text) : text;
    if (response.status >= 400) this.told.push({ line, text });
    else if (method !== 'GET') this.secrets.addFrom(line, parsed);
    return { status: response.status, body: parsed };
  }

  async good(line: string, body?: unknown, key?: string | null, more?: Body): Promise<Answer['body']> {
    const answer = await this.ask(line, body, key, more);
    if (answer.status >= 300) throw new Error(`${line}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async people(): Promise<() => Promise<number>> {
    const email = 'ada@example.org';
    const first = this.secrets.add('password', random());
    const password = this.secrets.add('password', random());
    const { id } = await this.good('POST /users', { email, name: 'Ada', roles: ['admin'], password: first });
    this.#user = id;
    const logIn = (given: Body) => this.ask('POST /auth/login', { email, password, ...given }, null);
    const { accessToken } = (await logIn({ password: first })).body;
    await this.good('POST /auth/password', { currentPassword: first, newPassword: password }, accessToken);
    const { refreshToken } = (await logIn({})).body;
    await this.good('POST /auth/token', { refreshToken }, null);
    // A second time: it ends its login.
    await this.ask('POST /auth/token', { refreshToken }, null);
    const { uri, recoveryCodes } = await this.good('POST /auth/totp', { password }, accessToken);
    const app = URI.parse(uri) as TOTP;
    const code = (steps = 0) => app.generate({ timestamp: Date.now() + steps * 30_000 });
    await this.ask('POST /auth/totp/confirm', { code: '000000' }, accessToken);
    await this.good('POST /auth/totp/confirm', { code: code() }, accessToken);
    await logIn({ recoveryCode: recoveryCodes[0] });
    // It was used up.
    await logIn({ recoveryCode: recoveryCodes[0] });
    await logIn({ password: this.secrets.add('wrong password', random()) });
    await this.ask(
      'POST /auth/password',
      { currentPassword: this.secrets.add('wrong password', random()), newPassword: 'x' },
      accessToken,
    );
    await this.good('POST /auth/keys/rotate', {});
    return async () => (await logIn({ totp: code(1) })).status;
  }

  async keysAndDevices(): Promise<() => Promise<void>> {
    const once = { 'idempotency-key': randomUUID() };
    const make = () => this.good('POST /api-keys', { name: 'panel', roles: ['admin'] }, undefined, once);
    const { apiKey, key } = await make();
    await this.good(`POST /api-keys/${apiKey.id}/rotate`, { graceSeconds: 3600 });
    await this.good('POST /organizations', {
      slug: 'acme',
      admin: { email: 'b@example.org', password: this.secrets.add('password', random()) },
    });
    const { id } = this.#device;
    const { credentials } = await this.good('POST /devices', { id }, key, { 'idempotency-key': randomUUID() });
    this.#device.apiKey = credentials.apiKey;
    await this.good(`POST /devices/${id}/keys`, { name: 'second' });
    this.#device.token = (await this.good(`POST /devices/${id}/tokens`, {})).token;
    await this.good(`POST /devices/${id}/certificates`, {}, undefined, { 'idempotency-key': randomUUID() });
    await this.good('POST /devices', { id: 'press-2' });
    await this.good('PUT /devices/press-2/provision', {});
    const csv = { 'content-type': 'text/csv' };
    const { id: importId } = await this.good('POST /devices/imports', 'id\nimported-1\nimported-2\n', undefined, csv);
    while ((await this.good(`GET /devices/imports/${importId}`)).endedAt === null) await new Promise(setImmediate);
    const keysOf = () => this.good(`GET /devices/imports/${importId}/credentials`);
    const keys = await keysOf();
    for (const text of keys.match(/skd_\w+/g)) this.secrets.add('imported key', text);
    return async () => {
      if ((await make()).key !== key) throw new Error('Another answer for the same Idempotency-Key');
      if ((await keysOf()) !== keys) throw new Error('The imported keys are others');
    };
  }

  async batches(): Promise<void> {
    const { credentials } = await this.good('POST /provisioning/batches', {
      name: 'b',
      admits: 'any',
      claimCodes: true,
    });
    const asDevice = (deviceId: string, more: Body = {}) =>
      this.ask('POST /provision', { ...credentials, deviceId, ...more }, null);
    const { body } = await asDevice('new-1');
    await asDevice('new-1');
    await asDevice('new-2', {
      provisioningSecret: this.secrets.add('wrong provisioning secret', newKey('device').secret),
    });
    const claim = (claimCode: string) => this.ask('POST /devices/claim', { claimCode });
    await claim(this.secrets.add('wrong claim code', 'ABCD-EFGH-JKMN-PQRS'));
    await claim(body.claimCode);
    await this.good('POST /devices/press-1/claim-code');
  }

  /** Credentials that are none, and secrets in places where none belongs. */
  async wrongOnes(): Promise<void> {
    const made = (kind: 'device' | 'application') => this.secrets.add('wrong key', newKey(kind).text);
    const [header, payload] = this.#device.token.split('.');
    const forged = this.secrets.add('forged token', `${header}.${payload}.${randomBytes(64).toString('base64url')}`);
    for (const key of [
      made('device'),
      made('application'),
      forged,
      random(),
      `Basic ${Buffer.from(`:${made('device')}`).toString('base64')}`,
    ])
      await this.ask('GET /devices', undefined, key);
    for (const name of ['key', 'apiKey', 'token', 'access_token'])
      await this.ask(`GET /devices?${name}=${made('application')}`, undefined, null);
    await this.ask(`GET /devices/${made('device')}`);
    await this.ask(`GET /devices?cursor=${made('device')}&limit=1`);
    const secret = this.secrets.add('password in a wrong place', random());
    await this.ask('POST /users', { email: 'c@example.org', password: [secret], roles: [] });
    await this.ask('POST /users', { email: secret, password: 7, roles: [secret] });
    await this.ask('POST /users', { email: 'c@example.org', password: secret, passwort: secret, roles: ['none'] });
    await this.ask('POST /users', `{"password": "${secret}"`);
    await this.ask('POST /auth/login', { email: 'ada@example.org', password: { is: secret } }, null);
    await this.ask('POST /auth/token', { refreshToken: `skr_${randomUUID()}_1_${secret}` }, null);
    await this.ask(
      'POST /provision',
      { provisioningKey: 'skp_8fK0aBcDeF12', provisioningSecret: [secret], deviceId: 'x' },
      null,
    );
    await this.ask('POST /devices/claim', { claimCode: { code: secret } });
    await this.ask('GET /devices', undefined, undefined, { 'if-match': secret, cookie: `session=${secret}` });
  }

  async overMqtt(): Promise<void> {
    const { id, apiKey, token } = this.#device;
    const wrong = this.secrets.add('wrong key', newKey('device').text);
    for (const password of [wrong, this.secrets.add('wrong password', random()), `${token}x`])
      await this.#connect(id, password).then(
        () => Promise.reject(new Error('A wrong password was let in')),
        () => {},
      );
    await this.#connect(wrong, apiKey).catch(() => {});
    for (const [username, password] of [
      [id, apiKey],
      [id, token],
      ['panel', this.#place.adminKey],
    ] as const) {
      const client = await this.#connect(username, password);
      // A message that can not be stored, and a topic that is not its own.
      await client.publishAsync(`devices/${id}/telemetry`, '{"a": no json', { qos: 1 }).catch(() => {});
      await client.subscribeAsync(`devices/${wrong}/commands`).catch(() => {});
      await client.endAsync();
    }
  }

  #connect(username: string, password: string): Promise<MqttClient> {
    const url = `mqtt://127.0.0.1:${this.#place.mqttPort}`;
    return mqtt.connectAsync(
      url,
      { username, password, clientId: username.slice(0, 40), reconnectPeriod: 0, protocolVersion: 5 },
      false,
    );
  }

  /** What people see of all that, afterwards. */
  async reads(): Promise<void> {
    const { id } = this.#device;
    await this.ask('POST /commands', { deviceId: id, name: 'open' });
    await this.ask('POST /jobs', { name: 'j', devices: [id], command: { name: 'open' } });
    const paths = [
      ...[
        '/audit?limit=1000',
        '/events?limit=1000',
        '/jobs',
        '/devices',
        '/users',
        '/api-keys',
        '/organizations',
        '/roles',
      ],
      ...[`/devices/${id}`, `/devices/${id}/commands`, `/devices/${id}/credentials`, `/devices/${id}/certificates`],
      ...['/certificates', '/provisioning/batches', '/devices/imports', '/auth/jwks', '/security/data-keys'],
      ...[`/users/${this.#user}`, '/health/services', '/metrics', '/auth/me', '/devices/press-1/lifecycle'],
    ];
    for (const path of paths) {
      const { status, body } = await this.ask(`GET ${path}`);
      if (status === 200)
        this.told.push({ line: `GET ${path}`, text: typeof body === 'string' ? body : JSON.stringify(body) });
    }
  }
}
