/** A device that measures a temperature which nobody feels, and obeys. */
import { CommandRejected, SkeinDevice } from '../device/skein-device.ts';
import type { Registered } from './registration.ts';
import { TemperatureWalk } from './temperature-walk.ts';

const INTERVAL_MIN_MS = 10;
const INTERVAL_MAX_MS = 24 * 3_600_000;

export type DeviceSettings = Registered & {
  readonly url: string;
  readonly everyMs: number;
  readonly onError: (error: Error) => void;
};

export class SimulatedDevice {
  readonly device: SkeinDevice;
  readonly #walk = new TemperatureWalk(Math.random);
  #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #onError: (error: Error) => void;
  isStopped = false;
  commands = 0;
  errors = 0;

  constructor({ everyMs, onError, ...settings }: DeviceSettings) {
    this.#onError = onError;
    this.#everyMs = everyMs;
    this.device = new SkeinDevice({
      ...settings,
      commands: {
        reboot: { handle: () => this.#reboot(), idempotent: true },
        'set-interval': ({ intervalMs }) => this.#setInterval(intervalMs),
        fail: () => {
          throw new Error('It was told to fail');
        },
      },
      applyDesired: async delta => ('intervalMs' in delta ? this.#setInterval(delta.intervalMs) : {}),
    });
    this.device.on('command', () => {
      this.commands++;
    });
    this.device.on('error', error => this.#failed(error));
  }

  async start(): Promise<void> {
    if (this.isStopped) return;
    await this.device.start();
    await this.device
      .report({ intervalMs: this.#everyMs, firmware: '1.0.0', startedAt: new Date().toISOString() })
      .catch(error => this.#failed(error));
    // Not all at the same moment.
    this.#measureIn(Math.random() * this.#everyMs);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.#timer);
    await this.device.stop();
  }

  #measureIn(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.isStopped) return;
    this.#timer = setTimeout(() => {
      this.#measureIn(this.#everyMs);
      this.device.telemetry(this.#walk.next()).catch(error => this.#failed(error));
    }, delayMs);
  }

  #failed(error: Error): void {
    this.errors++;
    this.#onError(error);
  }

  async #reboot(): Promise<{ rebootedAt: string }> {
    const rebootedAt = new Date().toISOString();
    await this.device.event('rebooted', { reason: 'command' });
    await this.device.report({ startedAt: rebootedAt });
    return { rebootedAt };
  }

  #setInterval(intervalMs: unknown): { intervalMs: number } {
    if (typeof intervalMs !== 'number' || !(intervalMs >= INTERVAL_MIN_MS && intervalMs <= INTERVAL_MAX_MS))
      throw new CommandRejected(`intervalMs is a number from ${INTERVAL_MIN_MS} to ${INTERVAL_MAX_MS}`);
    this.#everyMs = intervalMs;
    this.#measureIn(intervalMs);
    return { intervalMs };
  }
}
