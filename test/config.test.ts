import assert from 'node:assert/strict';
import { isAbsolute } from 'node:path';
import { test } from 'node:test';
import { ServiceBroker } from 'moleculer';
import { ConfigError, readConfig, SERVICES } from '../config.ts';
import { LIMITS, limitVariable } from '../contracts/limits.ts';
import { brokerOptions, busAddress } from '../moleculer.config.ts';

/** The problems that an environment has; fails when it has none. */
function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    for (const problem of error.problems) assert.ok(error.message.includes(problem));
    return error.problems;
  }
  return assert.fail(`${JSON.stringify(env)} was accepted`);
}

test('without any variable, everything runs in one process with the embedded database', () => {
  const config = readConfig({});
  assert.deepEqual(
    [
      config.host,
      config.httpPort,
      config.mqttPort,
      config.logLevel,
      config.databaseUrl,
      config.natsUrl,
      config.redisUrl,
      config.acknowledgeBeforeCommit,
    ],
    ['0.0.0.0', 8080, 1883, 'info', undefined, undefined, undefined, false],
  );
  assert.deepEqual(config.services, SERVICES);
  assert.deepEqual(config.limits, LIMITS);
  assert.ok(isAbsolute(config.dataDir) && config.dataDir.endsWith('data'));
  assert.match(config.nodeId, /-\d+$/);
});

test('what is set is taken', () => {
  const config = readConfig({
    SKEIN_HOST: '127.0.0.1',
    SKEIN_HTTP_PORT: '0',
    SKEIN_MQTT_PORT: '65535',
    SKEIN_DATA_DIR: '/var/lib/skein',
    SKEIN_SERVICES: 'mqtt, actors',
    SKEIN_NODE_ID: 'node-1.eu',
    SKEIN_LOG_LEVEL: 'debug',
    SKEIN_LIMIT_DEVICE_MESSAGES_PER_SECOND: '7',
    DATABASE_URL: 'postgresql://skein@db/skein',
    NATS_URL: 'nats://skein:pass@nats-1:4222,tls://nats-2:4222',
    REDIS_URL: 'rediss://:pass@redis:6379/1',
    PATH: '/bin',
  });
  assert.deepEqual(
    [config.host, config.httpPort, config.mqttPort, config.dataDir, config.services, config.nodeId, config.logLevel],
    ['127.0.0.1', 0, 65_535, '/var/lib/skein', ['mqtt', 'actors'], 'node-1.eu', 'debug'],
  );
  assert.equal(config.databaseUrl, 'postgresql://skein@db/skein');
  assert.equal(config.natsUrl, 'nats://skein:pass@nats-1:4222,tls://nats-2:4222');
  assert.equal(config.redisUrl, 'rediss://:pass@redis:6379/1');
  assert.deepEqual(config.limits, { ...LIMITS, deviceMessagesPerSecond: 7 });
});

test('an empty value is no value, as compose files write it', () => {
  assert.deepEqual(
    readConfig({ SKEIN_HTTP_PORT: '', DATABASE_URL: '', SKEIN_NODE_ID: 'n' }),
    readConfig({ SKEIN_NODE_ID: 'n' }),
  );
});

test('a certificate without its key, and a key without its certificate, are refused', () => {
  for (const env of [{ SKEIN_TLS_CERT: 'a.pem' }, { SKEIN_TLS_KEY: 'a.key' }])
    assert.throws(() => readConfig(env), /SKEIN_TLS_CERT and SKEIN_TLS_KEY belong together/);
  const { tlsCert, tlsKey } = readConfig({ SKEIN_TLS_CERT: 'a.pem', SKEIN_TLS_KEY: 'a.key' });
  assert.deepEqual([tlsCert, tlsKey], ['a.pem', 'a.key']);
});

test('every limit is a setting', () => {
  for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[])
    assert.equal(readConfig({ [limitVariable(name)]: '12345' }).limits[name], 12_345, name);
});

const BAD: readonly [name: string, value: string, wanted: RegExp][] = [
  ['SKEIN_HTTP_PORT', '65536', /a port, 0 to 65535$/],
  ['SKEIN_HTTP_PORT', '-1', /a port/],
  ['SKEIN_HTTP_PORT', '80.5', /a port/],
  ['SKEIN_HTTP_PORT', '0x50', /a port/],
  ['SKEIN_HTTP_PORT', ' 80', /a port/],
  ['SKEIN_MQTT_PORT', 'mqtt', /a port/],
  ['SKEIN_SERVICES', 'mqtt,mqqt', /"all", or a list of access, /],
  ['SKEIN_SERVICES', ',', /"all", or a list/],
  ['SKEIN_NODE_ID', 'a/b', /1 to 64 letters/],
  ['SKEIN_NODE_ID', 'a'.repeat(65), /1 to 64 letters/],
  ['SKEIN_LOG_LEVEL', 'loud', /one of fatal, error/],
  ['SKEIN_LIMIT_LANES', '0', /a whole number from 1$/],
  ['SKEIN_LIMIT_LANES', '2 lanes', /a whole number from 1$/],
  ['SKEIN_LIMIT_LANES', '99999999999999999999', /a whole number from 1$/],
  ['DATABASE_URL', 'mysql://db/skein', /a postgres:\/\/ URL$/],
  ['NATS_URL', 'redis://secret@nats', /a nats:\/\/ or tls:\/\/ URL, or several with commas$/],
  ['NATS_URL', 'nats://secret@one,two', /a nats:\/\/ or tls:\/\/ URL/],
  ['NATS_URL', 'nats://', /a nats:\/\/ or tls:\/\/ URL/],
  ['REDIS_URL', 'http://secret@redis', /a redis:\/\/ or rediss:\/\/ URL$/],
  ['SKEIN_UNSAFE_ACKNOWLEDGE_BEFORE_COMMIT', 'true', /"yes"$/],
];

for (const [name, value, wanted] of BAD)
  test(`${name}=${value.slice(0, 30)} is refused by name, with what it must be`, () => {
    const [problem, ...others] = problemsOf({ [name]: value });
    assert.deepEqual(others, []);
    const shown = name.endsWith('_URL') ? 'not shown here' : `"${value}"`;
    assert.ok(problem!.startsWith(`${name} is ${shown}, but must be `), problem);
    assert.match(problem!, wanted);
  });

test('a setting that does not exist is refused: a misspelt limit must not be silently without effect', () => {
  assert.deepEqual(problemsOf({ SKEIN_LIMIT_LANE: '4' }), [
    'SKEIN_LIMIT_LANE is not a setting of Skein (docs/configuration.md lists them)',
  ]);
});

test('several nodes need one database server: NATS_URL without DATABASE_URL is refused', () => {
  assert.deepEqual(problemsOf({ NATS_URL: 'nats://user:secret@nats:4222' }), [
    'NATS_URL is set, but DATABASE_URL is not: several nodes need one database server that all of them reach',
  ]);
  assert.doesNotThrow(() => readConfig({ NATS_URL: 'nats://nats', DATABASE_URL: 'postgres://db/skein' }));
});

const CLUSTER = { NATS_URL: 'nats://nats:4222', DATABASE_URL: 'postgres://db/skein' };

test('with a bus a node may take messages for the actors of others, or have nothing but actors', () => {
  for (const services of ['mqtt,gateway,telemetry,health', 'actors'])
    assert.equal(readConfig({ ...CLUSTER, SKEIN_SERVICES: services }).services.join(), services);
});

test('without a bus, services that send to actors need them in their own process', () => {
  for (const sender of ['mqtt', 'telemetry', 'twins', 'dead-letters'])
    assert.deepEqual(problemsOf({ SKEIN_SERVICES: `access,${sender},gateway` }), [
      `SKEIN_SERVICES has ${sender} but not actors, and without NATS_URL no other node can take the messages`,
    ]);
  assert.doesNotThrow(() => readConfig({ SKEIN_SERVICES: 'access,gateway,health' }));
});

test('all problems are told at once', () => {
  const problems = problemsOf({ SKEIN_HTTP_PORT: 'x', SKEIN_LIMIT_LANES: '0', SKEIN_COLOUR: 'red', DATABASE_URL: 'x' });
  assert.deepEqual(problems.map(problem => problem.split(' ')[0]).sort(), [
    'DATABASE_URL',
    'SKEIN_COLOUR',
    'SKEIN_HTTP_PORT',
    'SKEIN_LIMIT_LANES',
  ]);
});

test('variables of the tests are nobody else’s business', () => {
  assert.doesNotThrow(() => readConfig({ SKEIN_TEST_ANYTHING: '1' }));
});

test('the configuration can not be changed afterwards', () => {
  const config = readConfig({}) as { httpPort: number; limits: { lanes: number } };
  assert.throws(() => {
    config.httpPort = 1;
  }, TypeError);
  assert.throws(() => {
    config.limits.lanes = 1;
  }, TypeError);
});

test('two runs under one node id have different names on the bus, and both say whose run it is', () => {
  const [one, other] = ['0198c0de-0000-7000-8000-00000000a001', '0198c0de-0000-7000-8000-00000000a002'];
  assert.equal(busAddress('node-1', one), 'node-1-0000a001');
  assert.notEqual(busAddress('node-1', one), busAddress('node-1', other));
});

test('one process alone has neither bus nor shared cache', () => {
  const { nodeID, transporter, cacher } = brokerOptions(readConfig({}), 'here');
  assert.deepEqual([nodeID, transporter, cacher], ['here', undefined, undefined]);
});

test('with a bus nothing of Moleculer sends a call a second time, or somewhere else', () => {
  const options = brokerOptions(readConfig(CLUSTER), 'here');
  assert.ok(options.transporter !== undefined);
  for (const name of ['retryPolicy', 'circuitBreaker', 'bulkhead'] as const) assert.equal(options[name], undefined);
});

test('what Moleculer has to say can be said', () => {
  const broker = new ServiceBroker(brokerOptions(readConfig({}), 'here'));
  assert.doesNotThrow(() => broker.logger.warn('this line is part of a test'));
});
