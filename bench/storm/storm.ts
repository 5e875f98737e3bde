/** Many clients that connect within seconds, some of them with wrong keys, while other devices send as they always do. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { newKey } from '../../adapters/access/keys.ts';
import { Histogram, type Percentiles } from '../load/histogram.ts';
import type { LoadDevice } from '../load/load.ts';
import { connectPacket } from '../load/packets.ts';

export type StormOptions = {
  readonly port: number;
  /** Those with good keys. */
  readonly devices: readonly LoadDevice[];
  /** How many more come with wrong ones. */
  readonly wrong: number;
  /** All of them begin within this. */
  readonly withinMs: number;
  /** Who is told to come again does so until then. */
  readonly patienceMs: number;
};
export type StormFigures = {
  /** Good ones that got in, and how many of them at the first try. */
  readonly letIn: number;
  readonly atOnce: number;
  /** From the first CONNECT of a client to its CONNACK, milliseconds; of the good ones. */
  readonly waits: Percentiles;
  /** CONNACKs to wrong keys, by their code: 0 must not be among them. */
  readonly wrongAnswers: Readonly<Record<string, number>>;
  /** From the first CONNECT of all to the last CONNACK of a good one. */
  readonly lastInMs: number;
};

const KEEP_ALIVE_SECONDS = 300;
const ACCEPTED = 0;
/** Of 3.1.1: come again later. */
const UNAVAILABLE = 3;
const RETRY_MS = 1_000;

export class Storm {
  readonly #options: StormOptions;
  readonly #sockets = new Set<Socket>();
  readonly #waits = new Histogram();
  readonly #wrongAnswers: Record<string, number> = {};
  #letIn = 0;
  #atOnce = 0;
  #lastInMs = 0;
  #beganMs = 0;

  constructor(options: StormOptions) {
    this.#options = options;
  }

  /** Resolves when every client is in, was refused, or lost its patience. Those that are in stay until `end`. */
  async run(): Promise<StormFigures> {
    const { devices, wrong, withinMs } = this.#options;
    const clients = devices.length + wrong;
    this.#beganMs = performance.now();
    await Promise.all(
      Array.from({ length: clients }, async (_, i) => {
        await sleep((i * withinMs) / clients);
        // Spread evenly among the good ones.
        const wrongsBefore = Math.floor((i * wrong) / clients);
        const isWrong = Math.floor(((i + 1) * wrong) / clients) > wrongsBefore;
        if (isWrong) await this.#knockWrongly(devices[wrongsBefore % devices.length]!);
        else await this.#comeIn(devices[i - wrongsBefore]!);
      }),
    );
    return {
      letIn: this.#letIn,
      atOnce: this.#atOnce,
      waits: this.#waits.percentiles(),
      wrongAnswers: this.#wrongAnswers,
      lastInMs: this.#lastInMs,
    };
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** The device that it names is not disturbed: its session needs its key. */
  async #knockWrongly({ username }: LoadDevice): Promise<void> {
    const answer = await this.#knock(username, newKey('device').text);
    this.#wrongAnswers[`${answer}`] = (this.#wrongAnswers[`${answer}`] ?? 0) + 1;
  }

  async #comeIn({ username, password }: LoadDevice): Promise<void> {
    const beganMs = performance.now();
    for (let tries = 1; performance.now() - this.#beganMs < this.#options.patienceMs; tries++) {
      const answer = await this.#knock(username, password);
      if (answer === ACCEPTED) {
        this.#letIn++;
        if (tries === 1) this.#atOnce++;
        this.#waits.record(performance.now() - beganMs);
        this.#lastInMs = performance.now() - this.#beganMs;
        return;
      }
      if (answer !== UNAVAILABLE && answer !== 'closed') return;
      await sleep(RETRY_MS * (1 + Math.random()));
    }
  }

  /** The code of the CONNACK. */
  #knock(username: string, password: string): Promise<number | 'closed'> {
    return new Promise(resolve => {
      const socket = connect({ port: this.#options.port, host: '127.0.0.1', noDelay: true });
      this.#sockets.add(socket);
      socket.once('connect', () => socket.write(connectPacket(username, username, password, KEEP_ALIVE_SECONDS)));
      socket.once('data', bytes => resolve(bytes[3]!));
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#sockets.delete(socket);
        resolve('closed');
      });
    });
  }
}
