import assert from 'node:assert/strict';
import { isAbsolute } from 'node:path';
import { test } from 'node:test';
import { ConfigError, readConfig, SERVICES } from '../config.ts';
import { LIMITS, limitVariable } from '../contracts/limits.ts';

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
      config.acknowledgeBeforeCommit,
    ],
    ['0.0.0.0', 8080, 1883, 'info', undefined, false],
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
    PATH: '/bin',
  });
  assert.deepEqual(
    [config.host, config.httpPort, config.mqttPort, config.dataDir, config.services, config.nodeId, config.logLevel],
    ['127.0.0.1', 0, 65_535, '/var/lib/skein', ['mqtt', 'actors'], 'node-1.eu', 'debug'],
  );
  assert.equal(config.databaseUrl, 'postgresql://skein@db/skein');
  assert.deepEqual(config.limits, { ...LIMITS, deviceMessagesPerSecond: 7 });
});

test('an empty value is no value, as compose files write it', () => {
  assert.deepEqual(
    readConfig({ SKEIN_HTTP_PORT: '', DATABASE_URL: '', SKEIN_NODE_ID: 'n' }),
    readConfig({ SKEIN_NODE_ID: 'n' }),
  );
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
  ['SKEIN_SERVICES', 'mqtt,mqqt', /"all", or a list of access, devices/],
  ['SKEIN_SERVICES', ',', /"all", or a list/],
  ['SKEIN_NODE_ID', 'a/b', /1 to 64 letters/],
  ['SKEIN_NODE_ID', 'a'.repeat(65), /1 to 64 letters/],
  ['SKEIN_LOG_LEVEL', 'loud', /one of fatal, error/],
  ['SKEIN_LIMIT_LANES', '0', /a whole number from 1$/],
  ['SKEIN_LIMIT_LANES', '2 lanes', /a whole number from 1$/],
  ['SKEIN_LIMIT_LANES', '99999999999999999999', /a whole number from 1$/],
  ['DATABASE_URL', 'mysql://db/skein', /a postgres:\/\/ URL$/],
  ['SKEIN_UNSAFE_ACKNOWLEDGE_BEFORE_COMMIT', 'true', /"yes"$/],
];

for (const [name, value, wanted] of BAD)
  test(`${name}=${value.slice(0, 30)} is refused by name, with what it must be`, () => {
    const [problem, ...others] = problemsOf({ [name]: value });
    assert.deepEqual(others, []);
    const shown = name === 'DATABASE_URL' ? 'not shown here' : `"${value}"`;
    assert.ok(problem!.startsWith(`${name} is ${shown}, but must be `), problem);
    assert.match(problem!, wanted);
  });

test('a setting that does not exist is refused: a misspelt limit must not be silently without effect', () => {
  assert.deepEqual(problemsOf({ SKEIN_LIMIT_LANE: '4' }), [
    'SKEIN_LIMIT_LANE is not a setting of Skein (docs/configuration.md lists them)',
  ]);
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
