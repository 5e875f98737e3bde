/** One of everything that REST can make, with the tenant's own words in it. */
import type { Answer } from './rest-node.ts';

export type Maker = {
  /** For every text that is no name of anything. */
  readonly canary: string;
  readonly slug: string;
  /** What was made before. */
  readonly ids: Record<string, string>;
  /** Asks as the administrator of the tenant, and rejects when that is refused. `body` as it is when it is a text. */
  readonly ask: (line: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer['body']>;
};

/**
 * Each is made after those above it. What has no line here can't be asked for by somebody else, so a path to it fails the test: give it a line.
 * The name is that of the collection in the path (the segment before the parameter), or one that REFERENCES in crossing-requests.ts names.
 */
export const MAKERS: { readonly [collection: string]: (maker: Maker) => Promise<string> } = {
  organizations: async ({ ask, canary, slug }) => {
    await ask(`PATCH /organizations/${slug}`, { name: canary });
    return slug;
  },
  groups: async ({ ask, canary, slug }) => {
    const name = `${slug}-group`;
    await ask(`PUT /groups/${name}`, { description: canary });
    return name;
  },
  roles: async ({ ask, canary, slug, ids }) => {
    const name = `${slug}-role`;
    const limit = { groups: [ids.groups] };
    await ask(`PUT /roles/${name}`, { description: canary, permissions: ['devices:read'], limit });
    return name;
  },
  emails: async ({ slug }) => `person@${slug}.test`,
  users: async ({ ask, canary, ids }) => (await ask('POST /users', { email: ids.emails, name: canary })).id,
  'api-keys': async ({ ask, canary, ids }) =>
    (await ask('POST /api-keys', { name: canary, roles: [ids.roles] })).apiKey.id,
  locations: async ({ ask, canary, slug }) =>
    (await ask('POST /locations', { id: `${slug}-location`, name: canary, address: canary, tags: [`${slug}-tag`] })).id,
  'device-types': async ({ ask, canary, slug }) => {
    const name = `${slug}-type`;
    const properties = { target: { writable: true, description: canary } };
    await ask(`PUT /device-types/${name}`, { description: canary, properties, capabilities: [`${slug}-capability`] });
    return name;
  },
  capabilities: async ({ slug }) => `${slug}-capability`,
  devices: async ({ ask, canary, slug, ids }) => {
    const id = `${slug}-device`;
    const location = { locationId: ids.locations };
    const tags = [`${slug}-tag`];
    await ask('POST /devices', { id, name: canary, type: ids['device-types'], location, metadata: { canary }, tags });
    await ask(`PUT /groups/${ids.groups}/devices/${id}`);
    await ask('POST /telemetry', { deviceId: id, messageId: `${slug}-message`, values: { [`${slug}-value`]: canary } });
    await ask(`PATCH /devices/${id}/twin/desired`, { canary });
    return id;
  },
  'water-heaters': ({ ask, canary, slug }) => deviceOf('water_heater', { ask, canary, slug }),
  'vending-machines': ({ ask, canary, slug }) => deviceOf('vending_machine', { ask, canary, slug }),
  robots: ({ ask, canary, slug }) => deviceOf('robot', { ask, canary, slug }),
  assets: async ({ ask, canary, slug, ids }) => {
    const where = { locationId: ids.locations, deviceId: ids.devices };
    return (await ask('POST /assets', { id: `${slug}-asset`, name: canary, owner: canary, ...where })).id;
  },
  policies: async ({ ask, canary, slug }) => {
    const name = `${slug}-policy`;
    await ask(`PUT /storage/policies/${name}`, {
      description: canary,
      deviceType: `${slug}-fan`,
      archiveAfterDays: 90,
    });
    return name;
  },
  // Of something that nobody sends, so that it is in nobody's way.
  'legal-holds': async ({ ask, canary, slug }) =>
    (await ask('POST /storage/legal-holds', { measurement: `${slug}-held`, reason: canary })).id,
  keys: async ({ ask, canary, ids }) => (await ask(`POST /devices/${ids.devices}/keys`, { name: canary })).key.id,
  tokens: async ({ ask, ids }) => (await ask(`POST /devices/${ids.devices}/tokens`, {})).view.id,
  certificates: async ({ ask, ids }) =>
    (await ask(`POST /devices/${ids.devices}/certificates`, {})).certificate.serialNumber,
  'claim-codes': async ({ ask, ids }) => (await ask(`POST /devices/${ids.devices}/claim-code`, {})).claimCode,
  batches: async ({ ask, canary, slug, ids }) => {
    const fields = { type: ids['device-types'], groups: [ids.groups], metadata: { canary }, admits: 'listed' };
    const { batch } = await ask('POST /provisioning/batches', {
      name: canary,
      deviceIds: [`${slug}-listed`],
      ...fields,
    });
    return batch.id;
  },
  listed: async ({ slug }) => `${slug}-listed`,
  imports: async ({ ask, canary, slug }) => {
    const file = `id,name\n${slug}-imported,${canary}\n`;
    return (await ask('POST /devices/imports', file, { 'content-type': 'text/csv' })).id;
  },
  'telemetry-imports': async ({ ask, canary, slug, ids }) => {
    const lines = [`${ids.devices},${slug}-value,1740809700000,${canary}`, `${canary},a,b,${canary}`];
    const file = ['device,measurement,ts,value', ...lines].join('\n');
    const { id } = await ask('POST /telemetry/imports', file, { 'content-type': 'text/csv' });
    for (let state = ''; state !== 'completed'; ) ({ state } = await ask(`GET /telemetry/imports/${id}`));
    return id;
  },
  'dead-letters': async ({ ask, canary, ids }) => {
    await ask('POST /telemetry', { deviceId: ids.devices, timestamp: '2106-02-07T06:28:16Z', values: { canary } });
    return (await ask('GET /dead-letters')).items[0].id;
  },
  exports: async ({ ask, ids }) => {
    const body = { deviceIds: [ids.devices], from: '2026-01-01', to: '2026-01-02', format: 'csv' };
    return (await ask('POST /exports', body)).id;
  },
  schedules: async ({ ask, canary, ids }) => {
    const body = { name: canary, cron: '0 6 * * *', window: 'previous day', deviceIds: [ids.devices], format: 'csv' };
    return (await ask('POST /exports/schedules', body)).id;
  },
  replays: async ({ ask, ids }) =>
    (await ask('POST /dead-letters/replay', { deviceId: ids.devices, reason: 'none-is-like-it' })).id,
  commands: async ({ ask, canary, ids }) => {
    const command = { command: 'note', parameters: { canary } };
    const { id } = await ask(`POST /devices/${ids.devices}/commands`, command);
    await ask(`POST /commands/${id}/cancel`, { reason: canary });
    return (await ask(`POST /devices/${ids.devices}/commands`, command)).id;
  },
  jobs: async ({ ask, canary, ids }) =>
    (await ask('POST /jobs', { target: { group: ids.groups }, command: { command: 'note', parameters: { canary } } }))
      .id,
};

async function deviceOf(type: string, { ask, canary, slug }: Pick<Maker, 'ask' | 'canary' | 'slug'>): Promise<string> {
  const id = `${slug}-${type}`;
  await ask('POST /devices', { id, name: canary, type });
  return id;
}
