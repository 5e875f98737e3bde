/**
 * The reference for one command: a bare MQTT ping-pong plus two commits. A ping goes over a broker to a device and its pong comes back; then
 * one row is changed twice, each time in a transaction of its own: what a command must do at least, one part after the other.
 */
import pg from 'pg';
import { closedLoop, type LoopFigures } from '../load/closed-loop.ts';
import { Histogram, type Percentiles } from '../load/histogram.ts';
import { MqttLink } from '../load/mqtt-link.ts';

export type PingOptions = { readonly mqttPort: number; readonly databaseUrl: string; readonly seconds: number };
/** Milliseconds: of the whole, and of its two parts. */
export type PingFigures = LoopFigures & { readonly pong: Percentiles; readonly commit: Percentiles };

/** It answers as to a command: answering-devices.worker.ts. */
export const PING_DEVICE = 'pinged';
const PATIENCE_MS = 10_000;
const COMMIT = { name: 'commit', text: 'UPDATE ping SET count = count + 1 WHERE id = 1' };

export async function measurePings({ mqttPort, databaseUrl, seconds }: PingOptions): Promise<PingFigures> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const pinger = await Pinger.open(mqttPort);
  const [pong, commit] = [new Histogram(), new Histogram()];
  const timed = async (histogram: Histogram, work: () => Promise<unknown>) => {
    const beganMs = performance.now();
    await work();
    histogram.record(performance.now() - beganMs);
  };
  try {
    await client.query(
      'CREATE TABLE IF NOT EXISTS ping (id int PRIMARY KEY, count bigint NOT NULL) WITH (fillfactor = 50)',
    );
    await client.query('INSERT INTO ping VALUES (1, 0) ON CONFLICT DO NOTHING');
    const figures = await closedLoop(1, seconds, async () => {
      await timed(pong, () => pinger.ping());
      await timed(commit, () => client.query(COMMIT));
      await timed(commit, () => client.query(COMMIT));
    });
    return { ...figures, pong: pong.percentiles(), commit: commit.percentiles() };
  } finally {
    pinger.close();
    await client.end();
  }
}

class Pinger {
  #link!: MqttLink;
  #lastId = 0;
  #waiting: { readonly id: string; readonly resolve: () => void } | undefined;

  static async open(port: number): Promise<Pinger> {
    const pinger = new Pinger();
    const receive = (_: string, payload: Buffer) => pinger.#pong((JSON.parse(payload.toString()) as { id: string }).id);
    pinger.#link = await MqttLink.open({ port, username: 'pinger', password: 'none', receive });
    await pinger.#link.subscribe(`devices/${PING_DEVICE}/commands/ack`);
    return pinger;
  }

  /** Resolves when its pong is there. */
  ping(): Promise<void> {
    // As long as the id of a command, in a message that is like one.
    const id = `00000000-0000-7000-8000-${String(++this.#lastId).padStart(12, '0')}`;
    const deadline = new Date(Date.now() + PATIENCE_MS).toISOString();
    const message = { id, command: 'ping', parameters: {}, attempt: 1, deadline };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('No pong')), PATIENCE_MS);
      const ponged = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting = { id, resolve: ponged };
      this.#link.publish(`devices/${PING_DEVICE}/commands`, JSON.stringify(message));
    });
  }

  close(): void {
    this.#link.close();
  }

  #pong(id: string): undefined {
    if (this.#waiting?.id === id) this.#waiting.resolve();
  }
}
