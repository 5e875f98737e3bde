/** Each kind of error once, with the device that had it first: a fleet that lost its server would say the same a thousand times. */
import type { Settings } from './settings.ts';

const KINDS_MAX = 20;
/** Of CONNACK: bad user name or password, not authorized. */
const REFUSED_KEY = new Set<unknown>([0x86, 0x87]);

export class ErrorLog {
  readonly #write: (line: string) => void;
  readonly #settings: Pick<Settings, 'mqttUrl' | 'folder'>;
  readonly #said = new Set<string>();

  constructor(write: (line: string) => void, settings: Pick<Settings, 'mqttUrl' | 'folder'>) {
    this.#write = write;
    this.#settings = settings;
  }

  add(deviceId: string, error: Error): void {
    const { message } = error;
    const kind = message.replaceAll(deviceId, '');
    if (this.#said.has(kind) || this.#said.size === KINDS_MAX) return;
    this.#said.add(kind);
    this.#write(`${deviceId}: ${message}`);
    const { mqttUrl, folder } = this.#settings;
    if (REFUSED_KEY.has((error as { code?: unknown }).code))
      this.#write(
        `${mqttUrl} does not know the key in ${folder}. Is it the server of --api? If the key was revoked: another --prefix`,
      );
  }
}
