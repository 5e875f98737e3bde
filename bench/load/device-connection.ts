/** One device on one socket: connects, publishes as its run's pace says, and sends again what was not acknowledged. */
import { connect, type Socket } from 'node:net';
import { DeviceWaits } from './device-waits.ts';
import type { DeviceReport, LoadDevice } from './load.ts';
import type { LoadRun } from './load-run.ts';
import { PacketScanner } from './packet-scanner.ts';
import { connectPacket, DISCONNECT, PublishTemplate } from './packets.ts';
import { MAX_SEQUENCE, TOPICS } from './payload.ts';

/** Bytes that may wait in one socket before it counts as full: a few round trips of a fast server. */
const SOCKET_FULL_BYTES = 64 * 1024;
const MESSAGES_PER_WRITE = 256;
const UNUSED = -1;

export class DeviceConnection {
  readonly waits = new DeviceWaits();
  readonly #run: LoadRun;
  readonly #index: number;
  readonly #device: LoadDevice;
  readonly #qos1: PublishTemplate;
  readonly #qos0: PublishTemplate;
  /** By packet id, 1 to the window: what waits for its PUBACK. */
  readonly #sequences: Float64Array;
  readonly #numbers: Float64Array;
  readonly #intendedMs: Float64Array;
  readonly #freeIds: number[] = [];
  #socket: Socket | undefined;
  #up = false;
  /** The place of its next port in the list of the run. Devices begin at different ones. */
  #nextPort: number;
  #port = 0;
  /** When it was accepted, last acknowledged, or had nothing to wait for: since then it hears nothing. */
  #heardMs = 0;
  #nextSequence = 0;
  #turn = 0;
  #turnsOf: unknown;
  #reconnectTimer: NodeJS.Timeout | undefined;
  #connectTimer: NodeJS.Timeout | undefined;
  #firstUp: (() => void) | undefined;

  constructor(run: LoadRun, index: number) {
    this.#run = run;
    this.#index = index;
    this.#nextPort = index;
    this.#device = run.options.devices[index]!;
    const topic = `devices/${this.#device.deviceId}/${TOPICS[this.#device.payload]}`;
    this.#qos1 = new PublishTemplate(index, topic, this.#device.payload, 1);
    this.#qos0 = new PublishTemplate(index, topic, this.#device.payload, 0);
    const { window } = run.options;
    this.#sequences = new Float64Array(window + 1).fill(UNUSED);
    this.#numbers = new Float64Array(window + 1);
    this.#intendedMs = new Float64Array(window + 1);
    for (let id = window; id >= 1; id--) this.#freeIds.push(id);
  }

  get sent(): number {
    return this.#nextSequence;
  }

  report(nowMs: number): DeviceReport {
    const waiting = this.#intendedMs.filter((_, id) => this.#sequences[id] !== UNUSED);
    for (const intendedMs of waiting) this.waits.waited(intendedMs, nowMs);
    const { acknowledged, longestWaitMs } = this.waits;
    const longestGapMs = this.waits.longestGapMs(nowMs);
    const { deviceId } = this.#device;
    return { deviceId, acknowledged, longestGapMs, longestWaitMs, connected: this.#up, port: this.#port };
  }

  /** Gives up a connection on which messages wait and nothing comes, as a device would. */
  endIfSilent(nowMs: number): void {
    const { silenceTimeoutMs = Number.POSITIVE_INFINITY, window } = this.#run.options;
    if (this.#freeIds.length === window) this.#heardMs = nowMs;
    if (!this.#up || nowMs - this.#heardMs < silenceTimeoutMs) return;
    this.#run.timeouts++;
    this.#socket?.destroy();
  }

  /** Resolves when the server accepted the connection for the first time; tries until then. */
  start(): Promise<void> {
    return new Promise(resolve => {
      this.#firstUp = resolve;
      this.#open();
    });
  }

  stop(): void {
    clearTimeout(this.#reconnectTimer);
    if (this.#up) this.#socket?.end(DISCONNECT);
    // One that is not accepted yet has nobody who would take what is under way.
    if (this.#up) this.#socket?.destroySoon();
    else this.#socket?.destroy();
  }

  /** Sends what may be sent now: nothing, unless connected. */
  pump(nowMs: number): void {
    if (!this.#up || this.#run.stopping) return;
    this.#joinPhase();
    while (!this.#isFull()) {
      const written = this.#writeBatch(nowMs);
      if (written < MESSAGES_PER_WRITE) break;
    }
    this.#skipOverdue(nowMs);
  }

  #joinPhase(): void {
    if (this.#turnsOf === this.#run.phase) return;
    this.#turnsOf = this.#run.phase;
    this.#turn = 0;
  }

  #isFull(): boolean {
    return this.#socket!.writableLength >= SOCKET_FULL_BYTES;
  }

  /** How many messages the pace allows now; QoS-1 ones need a free packet id besides. */
  #allowed(nowMs: number): number {
    const { pace } = this.#run.phase;
    if (pace.kind === 'idle') return 0;
    if (pace.kind === 'closed') {
      const { window } = this.#run.options;
      return this.#freeIds.length - window + (pace.window ?? window);
    }
    return Math.floor((nowMs - this.#run.dueMs(this.#turn, this.#index)) / this.#run.intervalMs) + 1;
  }

  #writeBatch(nowMs: number): number {
    const count = Math.min(this.#allowed(nowMs), MESSAGES_PER_WRITE, MAX_SEQUENCE - this.#nextSequence);
    if (count <= 0) return 0;
    const target = Buffer.allocUnsafe(count * this.#qos1.bytes);
    const open = this.#run.phase.pace.kind === 'open';
    let at = 0;
    let written = 0;
    for (; written < count; written++) {
      const intendedMs = open ? this.#run.dueMs(this.#turn, this.#index) : nowMs;
      const bytes = this.#put(target, at, intendedMs);
      if (bytes === 0) break;
      at += bytes;
      this.#turn++;
    }
    if (at > 0) this.#socket!.write(target.subarray(0, at));
    return written;
  }

  /** One new message; 0 when it needs a packet id and none is free. */
  #put(target: Buffer, at: number, intendedMs: number): number {
    const sequence = this.#nextSequence;
    const number = this.#run.phase.baseMs + sequence;
    // 61 shares no factor with 100, so any share of QoS 0 is spread evenly over the sequence.
    if ((sequence * 61) % 100 < (this.#run.phase.qos0Percent ?? 0)) {
      this.#qos0.write(target, at, 0, sequence, number, false);
      this.#nextSequence++;
      this.#run.sentQos0++;
      return this.#qos0.bytes;
    }
    const id = this.#freeIds.pop();
    if (id === undefined) return 0;
    this.#sequences[id] = sequence;
    this.#numbers[id] = number;
    this.#intendedMs[id] = intendedMs;
    this.#qos1.write(target, at, id, sequence, number, false);
    this.#nextSequence++;
    this.#run.sent++;
    this.#run.inFlight++;
    return this.#qos1.bytes;
  }

  #skipOverdue(nowMs: number): void {
    const { pace } = this.#run.phase;
    if (pace.kind !== 'open' || pace.whenFull !== 'skip') return;
    const overdue = this.#allowed(nowMs);
    if (overdue <= 0) return;
    this.#turn += overdue;
    this.#run.skipped += overdue;
  }

  #open(): void {
    const { ports } = this.#run;
    this.#port = ports[this.#nextPort++ % ports.length]!;
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    const { deviceId, username, password } = this.#device;
    socket.on('connect', () =>
      socket.write(connectPacket(deviceId, username, password, this.#run.options.keepAliveSeconds)),
    );
    let nowMs = 0;
    const scanner = new PacketScanner({
      connack: code => this.#onConnack(socket, code),
      puback: id => this.#onPuback(id, nowMs),
    });
    socket.on('data', chunk => {
      nowMs = performance.now();
      scanner.feed(chunk);
      this.pump(nowMs);
    });
    socket.on('drain', () => this.pump(performance.now()));
    const { connectTimeoutMs } = this.#run.options;
    if (connectTimeoutMs !== undefined) this.#connectTimer = setTimeout(() => this.#giveUp(socket), connectTimeoutMs);
    // 'close' always follows, and is where the connection is opened again.
    socket.on('error', () => {});
    socket.on('close', () => this.#onClose());
  }

  #giveUp(socket: Socket): void {
    this.#run.timeouts++;
    socket.destroy();
  }

  #onConnack(socket: Socket, code: number): void {
    if (code !== 0) {
      this.#run.refusals++;
      socket.destroy();
      return;
    }
    clearTimeout(this.#connectTimer);
    this.#up = true;
    this.#heardMs = performance.now();
    this.#run.connected++;
    this.#firstUp?.();
    this.#firstUp = undefined;
    this.#sendAgain(socket);
  }

  /** MQTT 3.1.1, 4.4 and 4.6: unacknowledged messages go again, in their order, with their packet ids. */
  #sendAgain(socket: Socket): void {
    const ids = [...this.#sequences.keys()].filter(id => this.#sequences[id] !== UNUSED);
    ids.sort((a, b) => this.#sequences[a]! - this.#sequences[b]!);
    const target = Buffer.allocUnsafe(ids.length * this.#qos1.bytes);
    ids.forEach((id, i) => {
      this.#qos1.write(target, i * this.#qos1.bytes, id, this.#sequences[id]!, this.#numbers[id]!, true);
    });
    if (ids.length > 0) socket.write(target);
  }

  #onPuback(id: number, nowMs: number): void {
    const sequence = this.#sequences[id] ?? UNUSED;
    if (sequence === UNUSED) return;
    this.#sequences[id] = UNUSED;
    this.#freeIds.push(id);
    this.#heardMs = nowMs;
    this.waits.acknowledge(this.#intendedMs[id]!, nowMs);
    this.#run.acknowledge(this.#index, sequence, this.#intendedMs[id]!, nowMs);
  }

  #onClose(): void {
    const wasUp = this.#up;
    if (wasUp) this.#run.connected--;
    this.#up = false;
    clearTimeout(this.#connectTimer);
    if (this.#run.stopping) return;
    if (wasUp) this.#run.lost++;
    this.#run.reconnects++;
    this.#reconnectTimer = setTimeout(() => this.#open(), this.#run.options.reconnectDelayMs);
  }
}
