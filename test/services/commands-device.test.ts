/** A whole node, and a device that answers over MQTT. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import mqtt, { type MqttClient } from 'mqtt';
import type { CommandMessage } from '../../contracts/commands.ts';
import { registerDevice, type Skein, startSkein } from '../support/skein.ts';

describe('commands to a device that is connected', () => {
  let skein: Skein;
  let device: MqttClient;
  const got: CommandMessage[] = [];
  before(async () => {
    skein = await startSkein();
    const { apiKey } = await registerDevice(skein, 'device');
    const options = { username: 'device', password: apiKey, clientId: 'device', protocolVersion: 5 } as const;
    device = await mqtt.connectAsync(`mqtt://127.0.0.1:${skein.mqttPort}`, options);
    device.on('message', (_topic, payload) => {
      const message = JSON.parse(payload.toString()) as CommandMessage;
      got.push(message);
      if (message.command === 'silent') return;
      const answer = { id: message.id, status: message.command, result: message.parameters };
      device.publish('devices/device/commands/ack', JSON.stringify(answer), { qos: 1 });
    });
    await device.subscribeAsync('devices/device/commands', { qos: 1 });
  });
  after(async () => {
    await device?.endAsync(true);
    await skein?.stop();
  });

  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`http://127.0.0.1:${skein.httpPort}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${skein.adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test('who waits gets what the device answers', async () => {
    for (const command of ['succeeded', 'failed', 'rejected', 'unknown']) {
      const said = { command, parameters: { a: [1, { b: 'é' }] } };
      const { status, body } = await ask('POST', '/devices/device/commands?wait=30', said);
      assert.deepEqual([status, body.state, body.result, body.attempt], [200, command, said.parameters, 1]);
      const { id, parameters, attempt, deadline } = body;
      assert.deepEqual(got.at(-1), { id, command, parameters, attempt, deadline });
      assert.deepEqual((await ask('GET', `/commands/${id}`)).body, body);
    }
  });

  test('after an attempt nobody can say what came of a command that is cancelled', async () => {
    const { status, body } = await ask('POST', '/devices/device/commands', { command: 'silent' });
    assert.deepEqual([status, body.state, body.attempt], [202, 'sent', 1]);
    const cancelled = await ask('POST', `/commands/${body.id}/cancel`, {});
    assert.deepEqual([cancelled.status, cancelled.body.state], [200, 'unknown']);
    const again = await ask('POST', `/commands/${body.id}/cancel`, {});
    assert.deepEqual([again.status, again.body.type], [409, 'command_ended']);
    const { items } = (await ask('GET', '/dead-letters/commands?command=silent')).body as { items: { id: string }[] };
    assert.deepEqual(
      items.map(it => it.id),
      [body.id],
    );
  });
});
