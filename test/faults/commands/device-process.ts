/** Devices in a process of their own, which is killed and started again on what they have on disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from '../../support/compile-cache.ts';
import { endWithUs } from '../../support/end-with-us.ts';
import { type DeviceLedger, executionsIn } from './command-account.ts';
import { appliedPath, type DeviceSettings, ledgerPath } from './device-settings.ts';

const PROGRAMS = { library: './library-devices.ts', plain: './plain-devices.ts' } as const;
const RESTART_AFTER_MS = 500;
const OUTPUT_MAX_CHARACTERS = 8 * 1024;

export class DeviceProcess {
  readonly settings: DeviceSettings;
  /** Times that it ended although nobody had killed it. */
  ownEnds = 0;
  #child: ChildProcess | undefined;
  #output = '';

  constructor(settings: DeviceSettings) {
    this.settings = settings;
    this.start();
  }

  /** What it wrote last. */
  get output(): string {
    return this.#output;
  }

  start(): void {
    const program = fileURLToPath(new URL(PROGRAMS[this.settings.kind], import.meta.url));
    const child = spawn(process.execPath, [program, JSON.stringify(this.settings)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: COMPILE_CACHE,
    });
    endWithUs(child);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => this.#keep(chunk));
    child.once('close', (code, signal) => {
      if (this.#child !== child) return;
      this.ownEnds++;
      this.#keep(`ended with ${code ?? signal}\n`);
      setTimeout(() => this.#child === child && this.start(), RESTART_AFTER_MS).unref();
    });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise(resolve => child.once('close', resolve));
    child.kill('SIGKILL');
    await closed;
  }

  ledgers(): Promise<DeviceLedger[]> {
    const { folder, kind, devices } = this.settings;
    return Promise.all(
      devices.map(async ({ deviceId }) => ({
        deviceId,
        kind,
        executions: executionsIn(await readOrNothing(ledgerPath(folder, deviceId))),
      })),
    );
  }

  /** What a device was desired to be, and made itself, the newest last. */
  async applied(deviceId: string): Promise<Record<string, unknown>[]> {
    const text = await readOrNothing(appliedPath(this.settings.folder, deviceId));
    return text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line));
  }

  #keep(chunk: Buffer | string): void {
    this.#output = (this.#output + chunk).slice(-OUTPUT_MAX_CHARACTERS);
  }
}

const readOrNothing = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
