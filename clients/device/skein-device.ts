/** A device of Skein. README.md says what it guarantees. */
import { randomUUID } from 'node:crypto';
import { captureRejectionSymbol, EventEmitter } from 'node:events';
import type { CommandMessage } from './commands/command-message.ts';
import { type DeviceParts, partsOf } from './device-parts.ts';
import { type DesiredDelta, type DeviceLimits, type DeviceOptions, limitsOf } from './options.ts';
import { makeFolder } from './storage/durable-file.ts';
import { FolderLock } from './storage/folder-lock.ts';
import type { MessageKind } from './storage/spool-record.ts';
import type { Twin } from './twin-question.ts';

export {
  type CommandContext,
  type CommandEntry,
  type CommandHandler,
  CommandRejected,
} from './commands/command-handler.ts';
export { RefusedError } from './link/sender.ts';
export { DEVICE_LIMITS, type DeviceLimits, type DeviceOptions } from './options.ts';
export { FolderInUseError } from './storage/folder-lock.ts';
export { SpoolFullError } from './storage/spool.ts';

export type DeviceEvents = {
  connected: [];
  /** `reasonCode`: of the server's DISCONNECT, if it sent one. */
  disconnected: [reasonCode: number | null];
  /** It is about to be carried out. */
  command: [command: CommandMessage];
  /** It is applied and reported. */
  desired: [delta: DesiredDelta, version: number];
  error: [error: Error];
};
export type DeviceFigures = {
  readonly spooledMessages: number;
  readonly spooledBytes: number;
  /** Since the process started. */
  readonly sent: number;
  readonly telemetryDropped: number;
};

export class SkeinDevice extends EventEmitter<DeviceEvents> {
  readonly #options: DeviceOptions;
  readonly #limits: DeviceLimits;
  readonly #parts: DeviceParts;
  #syncTimer: NodeJS.Timeout | undefined;
  #sent = 0;
  #lock: FolderLock | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  /** From when the files are read until they are closed. A handler that is still at work may say something. */
  #takesMessages = false;

  /** Throws RangeError when an option is out of its range. */
  constructor(options: DeviceOptions) {
    super({ captureRejections: true });
    this.#options = options;
    this.#limits = limitsOf(options);
    const hooks = {
      onConnected: () => this.#tell('connected'),
      onDisconnected: (reasonCode: number | null) => this.#tell('disconnected', reasonCode),
      onCommand: (command: CommandMessage) => this.#tell('command', command),
      onDesired: (delta: DesiredDelta, version: number) => this.#tell('desired', delta, version),
      onSent: () => {
        this.#sent++;
      },
      onError: (error: unknown) => this.#tell('error', error instanceof Error ? error : new Error(String(error))),
      report: (patch: DesiredDelta) => this.report(patch),
    };
    this.#parts = partsOf({ options, limits: this.#limits, hooks });
  }

  /** Resolves when the files are read; the server need not be there. Rejects when the folder can't be used. Once. */
  async start(): Promise<void> {
    if (this.#started !== undefined) throw new Error('A device is started once');
    this.#started = this.#start();
    return this.#started;
  }

  /** Waits for the command that is being carried out, and for acknowledgements of what was sent. What was not is on disk. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#started?.then(
      () => this.#stop(),
      () => {},
    );
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const { spool, ring, executor, reconnector } = this.#parts;
    const { folder, spoolSync } = this.#options;
    await makeFolder(folder);
    this.#lock = new FolderLock(folder);
    try {
      await spool.open();
      await ring.open();
    } catch (error) {
      await this.#close().catch(() => {});
      throw error;
    }
    this.#takesMessages = true;
    await executor.recover();
    if (spoolSync === 'interval')
      this.#syncTimer = setInterval(
        () => spool.sync().catch(error => this.#tell('error', error)),
        this.#limits.spoolSyncIntervalMs,
      );
    reconnector.connect();
  }

  async #stop(): Promise<void> {
    const { executor, desired, reconnector } = this.#parts;
    clearInterval(this.#syncTimer);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#limits.stopTimeoutMs);
    await Promise.race([Promise.all([executor.stop(), desired.settled()]), late]);
    clearTimeout(timer);
    this.#takesMessages = false;
    await reconnector.stop(this.#limits.stopTimeoutMs);
    await this.#close();
  }

  /** All of it, whatever goes wrong with a part. */
  async #close(): Promise<void> {
    const { spool, ring } = this.#parts;
    try {
      await ring.close().finally(() => spool.close());
    } finally {
      this.#lock?.release();
    }
  }

  /** Resolves when it is safe on disk. `values`: by the name of the measurement. */
  telemetry(values: Readonly<Record<string, unknown>>, timestampMs: number = this.#nowMs): Promise<void> {
    return this.#append('telemetry', { ts: timestampMs, values, messageId: this.#newMessageId() });
  }

  /** Changes what the device says of itself: a merge patch (RFC 7396), so null removes. Resolves when it is safe on disk. */
  report(patch: DesiredDelta): Promise<void> {
    return this.#append('report', patch);
  }

  /** Resolves when it is safe on disk. It gets a `timestamp` and a `messageId`, by which one that came twice is known. */
  event(type: string, fields: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const timestamp = new Date(this.#nowMs).toISOString();
    return this.#append('event', { timestamp, messageId: this.#newMessageId(), ...fields, type });
  }

  /** The twin, as the server has it. Rejects when there is no connection, and when no answer comes in time. */
  async twin(): Promise<Twin> {
    const { reconnector, twin, topics } = this.#parts;
    const connection = reconnector.current;
    if (connection === undefined) throw new Error('Not connected');
    return twin.ask(() => void connection.publish(topics.askTwin, Buffer.from('{}')));
  }

  get isConnected(): boolean {
    return this.#parts.reconnector.current !== undefined;
  }
  get figures(): DeviceFigures {
    const { messages, bytes, telemetryDropped } = this.#parts.spool;
    return { spooledMessages: messages, spooledBytes: bytes, sent: this.#sent, telemetryDropped };
  }

  async #append(kind: MessageKind, content: object): Promise<void> {
    if (!this.#takesMessages) throw new Error('The device is not running');
    const payload = Buffer.from(JSON.stringify(content));
    const { messageMaxBytes } = this.#limits;
    if (payload.length > messageMaxBytes)
      throw new RangeError(`The message has ${payload.length} bytes, more than ${messageMaxBytes}`);
    await this.#parts.spool.append(kind, payload);
  }

  get #nowMs(): number {
    return (this.#options.nowMs ?? Date.now)();
  }
  #newMessageId(): string {
    return (this.#options.newMessageId ?? randomUUID)();
  }

  /** A listener that is an async function, and rejects. Called by Node. */
  override [captureRejectionSymbol](error: Error, ...[name]: unknown[]): void {
    if (name !== 'error') this.#tell('error', new Error(`A listener of ${name} failed`, { cause: error }));
  }

  /** Neither an error that nobody listens for, nor a listener that throws, may end the process or what is under way. */
  #tell<K extends keyof DeviceEvents>(name: K, ...values: DeviceEvents[K]): void {
    if (this.listenerCount(name) === 0) return;
    try {
      (this as EventEmitter).emit(name, ...values);
    } catch (error) {
      if (name !== 'error') this.#tell('error', new Error(`A listener of ${name} failed`, { cause: error }));
    }
  }
}
