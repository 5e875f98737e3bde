/** What has to be asked one after the other, because each takes something of the answer before, or ends what others need. */
import type { Answer } from './rest-node.ts';

/** Answers with the body. `key`: of an administrator unless told otherwise; null: none. */
export type Asking = (line: string, body?: unknown, key?: string | null) => Promise<Answer['body']>;

export const LIVES: readonly ((ask: Asking, organization: string) => Promise<void>)[] = [
  async function things(ask) {
    await ask('PUT /roles/short-lived', { permissions: ['devices:read'] });
    await ask('DELETE /roles/short-lived');
    await ask('PUT /device-types/short-lived', {});
    await ask('DELETE /device-types/short-lived');
    await ask('POST /locations', { id: 'short-lived', name: 'a shed' });
    await ask('PATCH /locations/short-lived', { name: 'a hall' });
    await ask('DELETE /locations/short-lived');
    await ask('POST /assets', { id: 'short-lived', name: 'a pump' });
    await ask('DELETE /assets/short-lived');
  },

  async function device(ask) {
    await ask('POST /devices', { id: 'short-lived' });
    const { key } = await ask('POST /devices/short-lived/keys', {});
    await ask(`DELETE /devices/short-lived/keys/${key.id}`);
    const { view } = await ask('POST /devices/short-lived/tokens', {});
    await ask(`DELETE /devices/short-lived/tokens/${view.id}`);
    const { certificate } = await ask('POST /devices/short-lived/certificates', {});
    await ask(`POST /certificates/${certificate.serialNumber}/revoke`, { reason: 'superseded' });
    const { id } = await ask('POST /devices/short-lived/commands', { command: 'wake' });
    await ask(`POST /commands/${id}/cancel`, {});
    await ask(`POST /commands/${id}/resend`, {});
    await ask('DELETE /devices/short-lived');
  },

  async function letter(ask) {
    await ask('POST /devices', { id: 'wrong-clock' });
    await ask('POST /telemetry', { deviceId: 'wrong-clock', timestamp: '2106-02-07T06:28:16Z', values: { a: 1 } });
    const { items } = await ask('GET /dead-letters?deviceId=wrong-clock');
    const { items: runs } = await ask('GET /dead-letters/replays');
    await ask(`GET /dead-letters/replays/${runs[0].id}`);
    await ask(`POST /dead-letters/replays/${runs[0].id}/cancel`);
    await ask(`DELETE /dead-letters/${items[0].id}`);
  },

  async function capability(ask) {
    await ask('PUT /device-types/heated', { properties: { target: {} }, capabilities: ['heating'] });
    await ask('POST /devices', { id: 'heated-1', type: 'heated' });
    await ask('PUT /capabilities/heating/heated-1', { target: 60 });
  },

  async function measured(ask) {
    await ask('POST /devices', { id: 'measured' });
    const values = { force: 1.5, mode: 'eco', running: true };
    await ask('POST /telemetry', { deviceId: 'measured', timestamp: '2026-03-01T06:15:00Z', values });
    const series = '/devices/measured/telemetry?from=2026-03-01&to=2026-03-02';
    await ask(`GET ${series}&measurements=force,other`);
    await ask(`GET ${series}&interval=1h&fill=null&aggregate=avg,first,stddev,p95,count&timezone=Europe/Berlin`);
    await ask(`GET ${series}&points=10`);
    await ask('GET /telemetry/latest?deviceIds=measured');
    await ask('GET /telemetry/aggregate?measurement=force&interval=1d');
    await ask('GET /telemetry/aggregate?measurement=other');
    await ask('GET /analytics/aggregated?measurement=force');
    await ask('GET /telemetry/top?measurement=force');
  },

  async function exported(ask) {
    const schedule = { name: 'short-lived', cron: '0 6 * * *', window: 'previous day', format: 'csv' };
    const { id: scheduleId } = await ask('POST /exports/schedules', schedule);
    await ask(`POST /exports/schedules/${scheduleId}/pause`);
    await ask(`POST /exports/schedules/${scheduleId}/resume`);
    await ask('GET /exports/schedules');
    await ask(`DELETE /exports/schedules/${scheduleId}`);
    const range = { from: '2026-03-01', to: '2026-03-02', format: 'ndjson' };
    const { id } = await ask('POST /exports', { ...range, deviceIds: ['measured'], measurements: ['force'] });
    for (let state = ''; state !== 'completed'; ) ({ state } = await ask(`GET /exports/${id}`));
    // One line, which is JSON by itself.
    await ask(`GET /exports/${id}/file`);
    await ask('GET /exports');
    await ask(`POST /exports/${id}/cancel`);
    await ask(`DELETE /exports/${id}`);
  },

  async function batch(ask) {
    const { batch, credentials } = await ask('POST /provisioning/batches', { name: 'short-lived', admits: 'any' });
    await ask(`POST /provisioning/batches/${batch.id}/certificate`, { days: 5 });
    await ask(`GET /provisioning/batches/${batch.id}/certificates`);
    await ask('POST /provision', { ...credentials, deviceId: 'of-a-batch' }, null);
  },

  async function person(ask, organization) {
    const [password, newPassword] = ['a first long password', 'another long password'];
    const email = 'short@lived.test';
    const user = await ask('POST /users', { email, password, roles: ['admin'] });
    const first = await ask('POST /auth/login', { email, password, organization }, null);
    const again = await ask('POST /auth/refresh', { refreshToken: first.refreshToken }, null);
    await ask('POST /auth/token', { refreshToken: again.refreshToken }, null);
    await ask('POST /devices', { id: 'to-be-claimed' });
    const { claimCode } = await ask('POST /devices/to-be-claimed/claim-code', {});
    await ask('POST /devices/claim', { claimCode }, again.accessToken);
    await ask('DELETE /devices/to-be-claimed/claim', undefined, again.accessToken);
    await ask('POST /auth/password', { currentPassword: password, newPassword }, again.accessToken);
    await ask('POST /auth/totp', { password: newPassword }, again.accessToken);
    const { items } = await ask('GET /auth/logins', undefined, again.accessToken);
    await ask(`DELETE /auth/logins/${items[0].id}`, undefined, again.accessToken);
    await ask(`PATCH /users/${user.id}`, { name: 'Short' });
    await ask(`POST /users/${user.id}/erase`);
    await ask(`DELETE /users/${user.id}`);
  },
];

/** These take a code of an app, or a certificate that its device shows: their own tests have that. */
export const ELSEWHERE = ['POST /auth/totp/confirm', 'DELETE /auth/totp', 'POST /devices/{id}/certificates/renew'];
