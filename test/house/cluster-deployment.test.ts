/** The files that run Skein as a cluster name things of the code: paths, settings, ports, figures, times. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfig } from '../../config.ts';
import { HEALTH_ENDPOINTS } from '../../services/gateway/routes.ts';
import { reportSamples } from '../../services/metrics/samples.ts';
import { ROOT, readTree } from './tree.ts';

const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const FILES = [...readTree(['.yaml', '.yml', '.cfg', '.example', 'Dockerfile'])].filter(
  ([path]) => path.startsWith('deploy/') || !path.includes('/'),
);
const DEPLOYMENT = read('deploy/kubernetes/deployment.yaml');
const COMPOSE = read('docker-compose.yml');

/** Seconds that `pattern` finds. */
const seconds = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);

/** Paths that a probe or a check asks, and that nobody answers without a key. */
function deadProbes(text: string): string[] {
  const open = new Set(HEALTH_ENDPOINTS.filter(it => it.isPublic).map(it => it.path));
  return [...text.matchAll(/(?:path: |GET |:8080)(\/health\/?\w*)/g)].map(it => it[1]!).filter(path => !open.has(path));
}

test('every probe asks a path that answers without a key', () => {
  const asking = FILES.filter(([, text]) => text.includes('/health'));
  assert.ok(asking.length >= 4, `${asking.map(([path]) => path)}`);
  assert.deepEqual(
    asking.flatMap(([path, text]) => deadProbes(text).map(dead => `${path} asks ${dead}`)),
    [],
  );
  for (const text of ['httpGet: { path: /health/alive, port: http }', 'option httpchk GET /health/system'])
    assert.equal(deadProbes(text).length, 1);
});

test('ports are those that a node has by itself', () => {
  const { httpPort, mqttPort } = readConfig({});
  for (const [text, pattern] of [
    [DEPLOYMENT, /containerPort: (\d+)/g],
    [read('deploy/haproxy.cfg'), /^ {2}server-template skein \d+ skein:(\d+)/gm],
  ] as const)
    assert.deepEqual([...text.matchAll(pattern)].map(it => Number(it[1])).sort(), [mqttPort, httpPort]);
});

test('what stops a node waits longer than its stop may take', () => {
  const patience = seconds(read('main.ts').replaceAll('_', ''), /STOPPATIENCEMS = (\d+)/) / 1_000;
  const preStop = seconds(DEPLOYMENT, /"sleep", "(\d+)"/);
  assert.ok(patience > 0 && preStop > 0);
  assert.ok(seconds(DEPLOYMENT, /terminationGracePeriodSeconds: (\d+)/) > patience + preStop);
  assert.ok(seconds(COMPOSE.split('\n  skein:')[1]!, /stop_grace_period: (\d+)s/) > patience);
});

test('a node of docker compose can be one of many: it has the bus, the database and no ports of the host', () => {
  const skein = COMPOSE.split('\n  skein:\n')[1]!.split(/\n {2}\w/)[0]!;
  assert.doesNotMatch(skein, /^ {4}(ports|container_name|hostname|profiles):/m);
  const env = Object.fromEntries([...skein.matchAll(/^ {6}([A-Z_]+): (\S+)/gm)].map(it => [it[1]!, it[2]!]));
  const password = /\$\{POSTGRES_PASSWORD[^}]*$/;
  const { databaseUrl, natsUrl, redisUrl } = readConfig({
    ...env,
    DATABASE_URL: env.DATABASE_URL!.replace(password, 'x'),
  });
  assert.ok(databaseUrl && natsUrl && redisUrl);
  for (const server of ['nats', 'redis', 'database'])
    assert.ok(
      [databaseUrl, natsUrl, redisUrl, skein].some(it => it.includes(server)) && COMPOSE.includes(`\n  ${server}:\n`),
    );
});

test('a pod of Kubernetes takes its name, its servers and its settings from where they belong', () => {
  assert.match(DEPLOYMENT, /name: SKEIN_NODE_ID\s+valueFrom:\s+fieldRef: \{ fieldPath: metadata\.name \}/);
  const secret = read('deploy/kubernetes/secret.yaml.example');
  const values = [...secret.matchAll(/^ {2}([A-Z_]+): "(.*)"$/gm)].map(it => [it[1], it[2]]);
  assert.deepEqual(values, [
    ['DATABASE_URL', ''],
    ['NATS_URL', ''],
    ['REDIS_URL', ''],
  ]);
  const settings = read('deploy/kubernetes/config.yaml').matchAll(/^ {2}([A-Z_]+): "?([^"\n]*)"?$/gm);
  assert.doesNotThrow(() => readConfig(Object.fromEntries([...settings].map(it => [it[1]!, it[2]!]))));
});

test('all manifests are about the same thing', () => {
  const manifests = [...readTree(['.yaml', '.example'])].filter(([path]) => path.startsWith('deploy/kubernetes/'));
  assert.equal(manifests.length, 6);
  for (const [path, text] of manifests)
    for (const document of text.split('\n---\n'))
      assert.match(document, /^apiVersion: \S+\nkind: \w+\nmetadata:\n {2}name: skein(-mqtt)?\n/m, path);
});

test('the autoscaler goes by a figure that there is', () => {
  const adapter = read('deploy/prometheus/adapter-values.yaml');
  const [, named] = /name: \{ as: (\w+) \}/.exec(adapter)!;
  assert.ok(read('deploy/kubernetes/autoscaler.yaml').includes(`metric: { name: ${named} }`));
  const [, series] = /seriesQuery: '(\w+)\{/.exec(adapter)!;
  const samples = reportSamples('actors', { condition: 'healthy', figures: { uplinks: 1 } });
  assert.ok(samples.some(it => it.name === series && it.type === 'counter'));
  const scrape = read('deploy/prometheus/scrape.yaml');
  const [, path] = /metrics_path: (\S+)/.exec(scrape)!;
  assert.ok(HEALTH_ENDPOINTS.some(it => it.path === path && !it.isPublic));
});
