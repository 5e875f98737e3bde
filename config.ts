/** The environment, read once, validated and frozen. Nothing else reads `process.env`. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { BLOB_ADDRESS, type BlobSettings, blobProblems, parseBlobAddress } from './contracts/blob-address.ts';
import { LIMITS, type Limits, limitVariable } from './contracts/limits.ts';
import { parseSystemKey } from './contracts/sealing.ts';

export const SERVICES = [
  'access',
  'audit',
  'auth',
  'organizations',
  'users',
  'roles',
  'api-keys',
  'devices',
  'credentials',
  'certificates',
  'provisioning',
  'imports',
  'device-types',
  'groups',
  'assets',
  'locations',
  'capabilities',
  'actors',
  'telemetry',
  'telemetry-imports',
  'telemetry-upkeep',
  'exports',
  'twins',
  'commands',
  'jobs',
  'dead-letters',
  'retention',
  'storage-policies',
  'legal-holds',
  'storage',
  'tiers',
  'security',
  'health',
  'metrics',
  'sessions',
  'events',
  'mqtt',
  'gateway',
] as const;
export type ServiceName = (typeof SERVICES)[number];
/** These hand messages to actors, so without a bus they need actors in their own process. */
const SENDERS: readonly ServiceName[] = ['telemetry', 'twins', 'commands', 'jobs', 'dead-letters', 'mqtt'];
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

export type Config = {
  readonly host: string;
  /** Ports: 0 takes a free one; the banner says which. */
  readonly httpPort: number;
  readonly mqttPort: number;
  readonly dataDir: string;
  readonly services: readonly ServiceName[];
  readonly nodeId: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Absent: PGlite in the data directory. */
  readonly databaseUrl: string | undefined;
  /** One or several with commas. Absent: this process is alone. */
  readonly natsUrl: string | undefined;
  /** Absent: caches and rates are each process's own. */
  readonly redisUrl: string | undefined;
  /** Seals the secrets in the database; as it is, or a file that has it. Both absent: a file of the data directory. */
  readonly secretKey: Uint8Array | undefined;
  readonly secretKeyFile: string | undefined;
  /** The one before, while it is being replaced. */
  readonly secretKeyPrevious: Uint8Array | undefined;
  readonly secretKeyPreviousFile: string | undefined;
  /** Where archives, exports and uploads are. */
  readonly blobs: BlobSettings;
  /** With TLS; absent: none of these listens. */
  readonly mqttsPort: number | undefined;
  readonly httpsPort: number | undefined;
  /** Files in PEM. Absent: a certificate of our own authority for `tlsNames`. */
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsNames: readonly string[];
  /** Under which others reach this system: the issuer of its tokens, and in what it tells devices. */
  readonly publicUrl: string | undefined;
  /** Web pages of these origins may ask. */
  readonly corsOrigins: readonly string[];
  /** Whose tokens are taken as well, for whom they must be, and which of their claims say tenant and roles. */
  readonly oidc: OidcConfig | undefined;
  readonly limits: Limits;
  /** For the tests that show that the ledger test can fail: acknowledge before the commit. Never set it. */
  readonly acknowledgeBeforeCommit: boolean;
};

export type OidcConfig = {
  readonly issuer: string;
  readonly audience: string;
  readonly tenantClaim: string;
  readonly rolesClaim: string;
};

export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map(p => `  - ${p}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Values that are never shown: they may hold a password. */
const SECRET = new Set([
  ...['DATABASE_URL', 'NATS_URL', 'REDIS_URL', 'SKEIN_BLOBS_URL', 'SKEIN_SECRET_KEY', 'SKEIN_SECRET_KEY_PREVIOUS'],
  ...['SKEIN_BLOBS_ACCESS_KEY_ID', 'SKEIN_BLOBS_SECRET_ACCESS_KEY'],
]);

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads what concerns Skein from `env`. Throws a ConfigError that names every problem at once. */
export function readConfig(env: Environment): Config {
  const problems: string[] = [];
  const known = new Set<string>();
  const take = <T>(name: string, fallback: T, parse: (text: string) => T | undefined, wanted: string): T => {
    known.add(name);
    const text = env[name];
    if (text === undefined || text === '') return fallback;
    const value = parse(text);
    const shown = SECRET.has(name) ? 'not shown here' : `"${text}"`;
    if (value === undefined) problems.push(`${name} is ${shown}, but must be ${wanted}`);
    return value ?? fallback;
  };
  const wholeNumber = (from: number, to: number) => (text: string) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= from && value <= to ? value : undefined;
  };
  const port = (name: string, fallback: number) => take(name, fallback, wholeNumber(0, 65_535), 'a port, 0 to 65535');
  const oneOf =
    <T extends string>(values: readonly T[]) =>
    (text: string) =>
      values.find(v => v === text);

  const optionalPort = (name: string) =>
    take<number | undefined>(name, undefined, wholeNumber(0, 65_535), 'a port, 0 to 65535');
  const optionalText = (name: string, wanted: string) =>
    take<string | undefined>(name, undefined, text => text, wanted);
  const optionalKey = (name: string) =>
    take(name, undefined, parseSystemKey, '32 bytes as base64 or hex (openssl rand -base64 32)');
  const list = (name: string, isItem: (text: string) => boolean, wanted: string) =>
    take<readonly string[]>(name, [], text => listOf(text, isItem), wanted);
  const oidcIssuer = take<string | undefined>(
    'SKEIN_OIDC_ISSUER',
    undefined,
    text => (isUrl(text, ['https:', 'http:']) ? text : undefined),
    'an https:// URL',
  );
  const oidcAudience = optionalText('SKEIN_OIDC_AUDIENCE', 'a text');
  const tenantClaim = take('SKEIN_OIDC_TENANT_CLAIM', 'organization', text => text, 'the name of a claim');
  const rolesClaim = take('SKEIN_OIDC_ROLES_CLAIM', 'roles', text => text, 'the name of a claim');
  if (oidcIssuer !== undefined && oidcAudience === undefined)
    problems.push('SKEIN_OIDC_ISSUER is set, but SKEIN_OIDC_AUDIENCE is not: tokens for somebody else would be taken');
  const limits = Object.fromEntries(
    Object.entries(LIMITS).map(([name, fallback]) => [
      name,
      take(limitVariable(name), fallback as number, wholeNumber(1, Number.MAX_SAFE_INTEGER), 'a whole number from 1'),
    ]),
  ) as Limits;
  const config: Config = {
    host: take('SKEIN_HOST', '0.0.0.0', text => text, 'an address to listen on'),
    httpPort: port('SKEIN_HTTP_PORT', 8080),
    mqttPort: port('SKEIN_MQTT_PORT', 1883),
    dataDir: resolve(take('SKEIN_DATA_DIR', './data', text => text, 'a folder')),
    services: take<readonly ServiceName[]>(
      'SKEIN_SERVICES',
      SERVICES,
      parseServices,
      `"all", or a list of ${SERVICES.join(', ')}`,
    ),
    nodeId: take(
      'SKEIN_NODE_ID',
      `${hostname()}-${process.pid}`,
      text => (/^[\w.-]{1,64}$/.test(text) ? text : undefined),
      '1 to 64 letters, digits, . _ -',
    ),
    logLevel: take('SKEIN_LOG_LEVEL', 'info', oneOf(LOG_LEVELS), `one of ${LOG_LEVELS.join(', ')}`),
    databaseUrl: take<string | undefined>(
      'DATABASE_URL',
      undefined,
      text => (/^postgres(ql)?:\/\//.test(text) ? text : undefined),
      'a postgres:// URL',
    ),
    natsUrl: take<string | undefined>(
      'NATS_URL',
      undefined,
      text => (text.split(',').every(url => isUrl(url, ['nats:', 'tls:'])) ? text : undefined),
      'a nats:// or tls:// URL, or several with commas',
    ),
    redisUrl: take<string | undefined>(
      'REDIS_URL',
      undefined,
      text => (isUrl(text, ['redis:', 'rediss:']) ? text : undefined),
      'a redis:// or rediss:// URL',
    ),
    secretKey: optionalKey('SKEIN_SECRET_KEY'),
    secretKeyFile: optionalText('SKEIN_SECRET_KEY_FILE', 'a file'),
    secretKeyPrevious: optionalKey('SKEIN_SECRET_KEY_PREVIOUS'),
    secretKeyPreviousFile: optionalText('SKEIN_SECRET_KEY_PREVIOUS_FILE', 'a file'),
    blobs: {
      address: take('SKEIN_BLOBS_URL', undefined, parseBlobAddress, BLOB_ADDRESS),
      accessKeyId: optionalText('SKEIN_BLOBS_ACCESS_KEY_ID', 'a text'),
      secretAccessKey: optionalText('SKEIN_BLOBS_SECRET_ACCESS_KEY', 'a text'),
      secretAccessKeyFile: optionalText('SKEIN_BLOBS_SECRET_ACCESS_KEY_FILE', 'a file'),
    },
    mqttsPort: optionalPort('SKEIN_MQTTS_PORT'),
    httpsPort: optionalPort('SKEIN_HTTPS_PORT'),
    tlsCert: optionalText('SKEIN_TLS_CERT', 'a file'),
    tlsKey: optionalText('SKEIN_TLS_KEY', 'a file'),
    tlsNames: list('SKEIN_TLS_NAMES', text => /^[\w.:*-]{1,253}$/.test(text), 'host names or addresses, with commas'),
    publicUrl: take<string | undefined>(
      'SKEIN_PUBLIC_URL',
      undefined,
      text => (isUrl(text, ['https:', 'http:']) ? text.replace(/\/+$/, '') : undefined),
      'an http:// or https:// URL',
    ),
    corsOrigins: list(
      'SKEIN_CORS_ORIGINS',
      text => text === '*' || (isUrl(text, ['https:', 'http:']) && new URL(text).origin === text),
      'origins like https://example.org, with commas, or *',
    ),
    oidc:
      oidcIssuer === undefined || oidcAudience === undefined
        ? undefined
        : { issuer: oidcIssuer, audience: oidcAudience, tenantClaim, rolesClaim },
    limits,
    acknowledgeBeforeCommit: take(
      'SKEIN_UNSAFE_ACKNOWLEDGE_BEFORE_COMMIT',
      false,
      text => (text === 'yes' ? true : undefined),
      '"yes"',
    ),
  };
  for (const name of Object.keys(env))
    if (name.startsWith('SKEIN_') && !name.startsWith('SKEIN_TEST_') && !known.has(name))
      problems.push(`${name} is not a setting of Skein (docs/configuration.md lists them)`);
  if (problems.length === 0)
    problems.push(...contradictions(config), ...keyProblems(config), ...blobProblems(config.blobs));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({ ...config, services: Object.freeze(config.services), limits: Object.freeze(limits) });
}

/** What is wrong with settings that are right one by one. */
function contradictions({ natsUrl, databaseUrl, services, tlsCert, tlsKey }: Config): string[] {
  const found: string[] = [];
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    found.push('SKEIN_TLS_CERT and SKEIN_TLS_KEY belong together: set both, or neither');
  if (natsUrl !== undefined && databaseUrl === undefined)
    found.push(
      'NATS_URL is set, but DATABASE_URL is not: several nodes need one database server that all of them reach',
    );
  const senders = SENDERS.filter(name => services.includes(name));
  if (natsUrl === undefined && senders.length > 0 && !services.includes('actors'))
    found.push(
      `SKEIN_SERVICES has ${senders.join(', ')} but not actors, and without NATS_URL no other node can take the messages`,
    );
  return found;
}

/** Of two settings that say the same it would not be known which one counts. */
function keyProblems(config: Config): string[] {
  const found: string[] = [];
  const given = config.secretKey !== undefined || config.secretKeyFile !== undefined;
  const before = config.secretKeyPrevious !== undefined || config.secretKeyPreviousFile !== undefined;
  if (config.secretKey !== undefined && config.secretKeyFile !== undefined)
    found.push('SKEIN_SECRET_KEY and SKEIN_SECRET_KEY_FILE are both set: set one of them');
  if (config.secretKeyPrevious !== undefined && config.secretKeyPreviousFile !== undefined)
    found.push('SKEIN_SECRET_KEY_PREVIOUS and SKEIN_SECRET_KEY_PREVIOUS_FILE are both set: set one of them');
  if (before && !given)
    found.push(
      'The previous key is set (SKEIN_SECRET_KEY_PREVIOUS), but not the one that replaces it: set SKEIN_SECRET_KEY or SKEIN_SECRET_KEY_FILE',
    );
  return found;
}

function listOf(text: string, isItem: (text: string) => boolean): readonly string[] | undefined {
  const items = text.split(',').map(it => it.trim());
  return items.every(isItem) ? items : undefined;
}

function isUrl(text: string, schemes: readonly string[]): boolean {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  return url !== undefined && schemes.includes(url.protocol) && url.hostname !== '';
}

function parseServices(text: string): readonly ServiceName[] | undefined {
  if (text === 'all') return SERVICES;
  const names = [...new Set(text.split(',').map(name => name.trim()))];
  return names.every((name): name is ServiceName => (SERVICES as readonly string[]).includes(name)) ? names : undefined;
}
