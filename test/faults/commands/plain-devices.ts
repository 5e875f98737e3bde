/** A process with devices that remember nothing: each writes every command that it gets into its ledger, and then answers. */
import mqtt from 'mqtt';
import { appendLine, type DeviceSettings, ledgerPath } from './device-settings.ts';
import { doWork, type Work } from './work.ts';

type Message = { readonly id: string; readonly attempt: number; readonly parameters: Work };

const { url, folder, devices } = JSON.parse(process.argv[2]!) as DeviceSettings;

for (const [i, { deviceId, key }] of devices.entries()) {
  const client = mqtt.connect(url, {
    username: deviceId,
    password: key,
    clientId: deviceId,
    protocolVersion: i % 2 === 0 ? 5 : 4,
    // A session that is to last: what a broker keeps of it may not bring a command again.
    clean: i % 3 === 0,
    ...(i % 2 === 0 && i % 3 !== 0 && { properties: { sessionExpiryInterval: 3_600 } }),
    reconnectPeriod: 200,
    // A server whose database is away refuses, and may take it the next time.
    reconnectOnConnackError: true,
    connectTimeout: 3_000,
    keepalive: 5,
  });
  // The server is away, as it often is.
  client.on('error', () => {});
  client.on('connect', () => client.subscribe(`devices/${deviceId}/commands`, { qos: 1 }, () => {}));
  client.on('message', async (_topic, payload) => {
    const { id, attempt, parameters } = JSON.parse(payload.toString()) as Message;
    const note = () => appendLine(ledgerPath(folder, deviceId), `${id} ${attempt}`);
    const status = await doWork(parameters, note).then(
      () => 'succeeded',
      () => 'failed',
    );
    client.publish(`devices/${deviceId}/commands/ack`, JSON.stringify({ id, status }), { qos: 1 }, () => {});
  });
}
