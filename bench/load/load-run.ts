/** What all connections of a generator share: the phase, the counts of the phase, the ledger. */
import { AckLedger } from './ack-ledger.ts';
import { Histogram } from './histogram.ts';
import type { LoadOptions, Phase, Ports } from './load.ts';

export class LoadRun {
  readonly options: LoadOptions;
  readonly latency = new Histogram();
  readonly ledger: AckLedger;
  ports: readonly number[] = [];
  phase: Phase = { pace: { kind: 'idle' }, baseMs: 0 };
  phaseBeganMs = 0;
  lastAckMs = 0;
  /** Milliseconds between two messages of one connection, in an open loop. */
  intervalMs = 0;
  sent = 0;
  sentQos0 = 0;
  skipped = 0;
  acknowledged = 0;
  inFlight = 0;
  connected = 0;
  reconnects = 0;
  lost = 0;
  timeouts = 0;
  refusals = 0;
  stopping = false;

  constructor(options: LoadOptions) {
    this.options = options;
    this.moveTo(options.port);
    this.ledger = new AckLedger(options.devices.length);
  }

  /** Connections opened from now on go there. */
  moveTo(port: Ports): void {
    this.ports = typeof port === 'number' ? [port] : port;
  }

  begin(phase: Phase): void {
    this.phase = phase;
    this.phaseBeganMs = performance.now();
    this.lastAckMs = this.phaseBeganMs;
    if (phase.pace.kind === 'open')
      this.intervalMs = (1_000 * this.options.devices.length) / phase.pace.messagesPerSecond;
    this.sent = this.sentQos0 = this.skipped = this.acknowledged = 0;
    this.latency.reset();
  }

  /** When message `turn` of connection `index` is due in an open loop: the connections take turns. */
  dueMs(turn: number, index: number): number {
    return this.phaseBeganMs + (turn + index / this.options.devices.length) * this.intervalMs;
  }

  acknowledge(device: number, sequence: number, intendedMs: number, nowMs: number): void {
    this.inFlight--;
    this.ledger.acknowledge(device, sequence);
    if (intendedMs < this.phaseBeganMs) return;
    this.acknowledged++;
    this.lastAckMs = nowMs;
    this.latency.record(nowMs - intendedMs);
  }
}
