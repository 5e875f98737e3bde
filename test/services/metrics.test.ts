import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ActionSchema } from 'moleculer';
import type { HealthReport } from '../../contracts/health.contract.ts';
import { exposition } from '../../services/metrics/exposition.ts';
import { reportSamples } from '../../services/metrics/samples.ts';
import { type GatewayNode, startGatewayNode } from './gateway-node.ts';

const reports: Record<string, () => HealthReport> = {
  mqtt: () => ({
    condition: 'healthy',
    figures: { port: 1883, connections: 3, messagesIn: 70, newThing: 2, text: 'x' },
  }),
  actors: () => ({
    condition: 'degraded',
    detail: 'overloaded',
    figures: { actors: 5, stored: 60, waitingInLanes: 1 },
  }),
};
const reporting = Object.keys(reports).map(name => ({
  name,
  actions: { health: { access: { needs: 'inside' }, handler: () => reports[name]!() } as ActionSchema },
}));

let node: GatewayNode;
before(async () => {
  node = await startGatewayNode({}, reporting);
});
after(() => node?.stop());

/** The value of a sample by its name and labels. */
const sampleOf = (text: string, name: string): number | undefined => {
  const line = text.split('\n').find(it => it.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
};

test('the figures of the services of this process are there under names and types that Prometheus takes', async () => {
  const response = await node.get('/metrics');
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  assert.equal(sampleOf(text, 'skein_mqtt_messages_in_total'), 70);
  assert.equal(sampleOf(text, 'skein_mqtt_connections'), 3);
  assert.equal(sampleOf(text, 'skein_actors_waiting_in_lanes'), 1);
  assert.equal(sampleOf(text, 'skein_service_healthy{service="mqtt"}'), 1);
  assert.equal(sampleOf(text, 'skein_service_healthy{service="actors"}'), 0);
  assert.equal(sampleOf(text, 'skein_node_info{node="gateway-node"}'), 1);
  assert.ok(sampleOf(text, 'skein_process_resident_memory_bytes')! > 0);
  assert.match(text, /^# TYPE skein_mqtt_messages_in_total counter\nskein_mqtt_messages_in_total 70$/m);
});

test('every line is what the text format allows, and every name has one head', async () => {
  const lines = (await (await node.get('/metrics')).text()).split('\n');
  assert.equal(lines.pop(), '');
  const allowed = /^(# HELP \w+ .+|# TYPE \w+ (counter|gauge)|[a-z_][a-z0-9_]*(\{[a-z]+="[^"]*"\})? -?[0-9.e+-]+)$/;
  assert.deepEqual(
    lines.filter(line => !allowed.test(line)),
    [],
  );
  const heads = lines.filter(line => line.startsWith('# TYPE'));
  assert.equal(new Set(heads).size, heads.length);
});

test('a figure that nobody described goes out without a type; where something is does not', async () => {
  const text = await (await node.get('/metrics')).text();
  assert.equal(sampleOf(text, 'skein_mqtt_new_thing'), 2);
  assert.doesNotMatch(text, /TYPE skein_mqtt_new_thing|skein_mqtt_port|skein_mqtt_text/);
});

test('a service that is not here, or does not answer, is left out', async () => {
  const report = reports.actors!;
  reports.actors = () => {
    throw new Error('a defect');
  };
  try {
    const response = await node.get('/metrics');
    assert.equal(response.status, 200);
    const text = await response.text();
    assert.doesNotMatch(text, /skein_actors/);
    assert.equal(sampleOf(text, 'skein_mqtt_connections'), 3);
  } finally {
    reports.actors = report;
  }
});

test('figures need the key of an application, also below the prefixes', async () => {
  for (const path of ['/metrics', '/api/metrics', '/api/v1/metrics']) {
    assert.equal((await node.get(path)).status, 200);
    assert.equal((await node.get(path, null)).status, 401);
  }
});

test('labels and help can not break the format', () => {
  const text = exposition([{ name: 'a', help: 'one\ntwo\\', labels: { node: 'x"y\\z\n' }, value: 1 }]);
  assert.equal(text, '# HELP a one\\ntwo\\\\\na{node="x\\"y\\\\z\\n"} 1\n');
});

test('samples of one name stand together, whoever they are of', () => {
  const samples = ['mqtt', 'actors'].flatMap(name => reportSamples(name, { condition: 'healthy', figures: {} }));
  assert.equal(exposition(samples).match(/# TYPE skein_service_healthy/g)?.length, 1);
});
