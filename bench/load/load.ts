/** What the process that makes load is asked to do and what it answers. */
import type { Ledger } from './ack-ledger.ts';
import type { Percentiles } from './histogram.ts';
import type { PayloadKind } from './payload.ts';

export type LoadDevice = {
  readonly deviceId: string;
  readonly username: string;
  readonly password: string;
  readonly payload: PayloadKind;
};

/** One, or those of several nodes: a device that lost its connection goes to the next, as behind a load balancer. */
export type Ports = number | readonly number[];

export type LoadOptions = {
  readonly port: Ports;
  /** One connection each; a device's number is its place in this list. */
  readonly devices: readonly LoadDevice[];
  /** QoS-1 messages of one connection that may wait for their PUBACK. */
  readonly window: number;
  /** How long a connection that was lost waits before it connects again. */
  readonly reconnectDelayMs: number;
  readonly keepAliveSeconds: number;
  /** A connection that is not accepted within this is given up. Absent: it may take for ever. */
  readonly connectTimeoutMs?: number;
  /** So is one on which messages wait and none was acknowledged for this long. */
  readonly silenceTimeoutMs?: number;
};

/**
 * `closed`: each connection keeps its window full (`window`: only so much of it). `open`: messages are due at a fixed rate over all connections, whether
 * or not the server keeps up; a message that can't leave when due waits (`delay`, its latency counts from when it was due)
 * or is given up (`skip`, counted).
 */
export type Pace =
  | { readonly kind: 'idle' }
  | { readonly kind: 'closed'; readonly window?: number }
  | { readonly kind: 'open'; readonly messagesPerSecond: number; readonly whenFull: 'delay' | 'skip' };

/** A phase: its messages carry timestamps from `baseMs` on, so that the database can count them by themselves. */
export type Phase = {
  readonly pace: Pace;
  readonly baseMs: number;
  /** This share of the messages is sent at QoS 0, spread evenly. Absent: none. */
  readonly qos0Percent?: number;
};

/** Of the messages of the present phase only. */
export type LoadReport = {
  readonly sent: number;
  readonly sentQos0: number;
  readonly skipped: number;
  readonly acknowledged: number;
  /** From the begin of the phase to its last PUBACK, seconds. */
  readonly activeSeconds: number;
  /** Milliseconds, from when the message was sent (closed) or due (open) to its PUBACK. */
  readonly latency: Percentiles;
  /** Of the whole run. */
  readonly inFlight: number;
  readonly connected: number;
  /** Times that a connection ended or could not be opened. */
  readonly reconnects: number;
  /** Of those: that ended after it had been accepted. */
  readonly lost: number;
  /** Of those: that the device gave up, because nothing came. */
  readonly timeouts: number;
  readonly refusals: number;
};

/** Of one device; the waits since the last `mark`, also those that are not over. */
export type DeviceReport = {
  readonly deviceId: string;
  /** Of the whole run. */
  readonly acknowledged: number;
  /** Between two PUBACKs. */
  readonly longestGapMs: number;
  /** Of a message, from when it was sent or due to its PUBACK. */
  readonly longestWaitMs: number;
  readonly connected: boolean;
  /** Where it went last. */
  readonly port: number;
};

export type LoadCommand =
  | { readonly do: 'connect'; readonly options: LoadOptions }
  | { readonly do: 'begin'; readonly phase: Phase }
  /** Sends nothing new and waits until nothing is in flight; answers whether that came true in time. */
  | { readonly do: 'drain'; readonly timeoutMs: number }
  | { readonly do: 'moveTo'; readonly port: Ports }
  | { readonly do: 'report' }
  | { readonly do: 'mark' }
  | { readonly do: 'devices' }
  | { readonly do: 'ledger' }
  | { readonly do: 'stop' };

/** What each command is answered with. */
export type LoadAnswers = {
  connect: undefined;
  begin: undefined;
  drain: boolean;
  moveTo: undefined;
  report: LoadReport;
  mark: undefined;
  devices: DeviceReport[];
  ledger: Ledger;
  stop: undefined;
};
export type LoadRequest = { readonly id: number; readonly command: LoadCommand };
export type LoadReply = { readonly id: number; readonly answer?: unknown; readonly error?: string };
