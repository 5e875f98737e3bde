/** What comes up from devices, in the form that every protocol adapter makes and every router carries. */

/** Who a device is, worked out once for each connection. `key` is `tenant/device`; `shard` is 0..255. */
export type DeviceAddress = {
  readonly tenant: string;
  readonly device: string;
  readonly key: string;
  readonly shard: number;
};

/**
 * The last ones do not come from the device itself: a service asks for something (`request`, contracts/requests.ts); its front node tells
 * what the session takes (`receiving`) and what became of an attempt to deliver a command (`delivered`, `undelivered`); its host says that
 * it is time to look (`tick`), or that it may send one command now (`turn`).
 */
export type UplinkKind =
  | 'telemetry'
  | 'state'
  | 'events'
  | 'ack'
  | 'get'
  | 'other'
  | 'connected'
  | 'disconnected'
  | 'receiving'
  | 'delivered'
  | 'undelivered'
  | 'request'
  | 'tick'
  | 'turn';

export type Uplink = {
  readonly address: DeviceAddress;
  /**
   * The connection it came by: grows with every connect of the device, whatever node it connects to. 0: no connection (REST),
   * or a connection that is only being opened (`connected`).
   */
  readonly session: number;
  /** When the server had it, milliseconds since 1970. */
  readonly receivedAtMs: number;
  readonly kind: UplinkKind;
  /** The topic or path it was sent to. */
  readonly topic: string;
  /** `application/json`, `application/cbor`, or empty when the sender did not say. */
  readonly contentType: string;
  readonly payload: Uint8Array;
  /** Set by the adapter when the message is refused before any actor sees it: it only becomes a dead letter. */
  readonly refused?: Refusal;
  /** The id of the dead letter that this is, tried again. */
  readonly again?: string;
};

/** Why a message is kept as a dead letter instead of being stored as what it is. `detail` is for people. */
export type Refusal = { readonly reason: DeadLetterReason; readonly detail: string };

export const DEAD_LETTER_REASONS = {
  invalid_utf8: 'The payload is not UTF-8',
  invalid_json: 'The payload is not JSON',
  invalid_cbor: 'The payload is not CBOR',
  invalid_shape: 'The payload is not a reading, nor a list of readings',
  invalid_name: 'A measurement has a name that is not allowed',
  invalid_value: 'A value is not finite, too deep or too large',
  invalid_timestamp: 'A timestamp can not be read, or lies outside of what is plausible',
  invalid_message_id: 'The messageId is not a text of allowed length',
  no_values: 'The message carries no value',
  too_many_values: 'The message carries too many values',
  out_of_range: 'A value is outside of what the type of the device says',
  wrong_type: 'A value is of another kind than the type of the device says',
  wrong_unit: 'A value has another unit than the type of the device says',
  unknown_measurement: 'The type of the device has no such measurement',
  too_old: 'A value is older than the type of the device allows',
  too_far_ahead: 'A value is further ahead of the server than the type of the device allows',
  too_many_measurements: 'The device has too many distinct measurements',
  invalid_patch: 'The payload is not a merge patch that can be stored',
  twin_too_large: 'The twin would be too large or nested too deep',
  invalid_ack: 'The payload is not an answer to a command',
  command_not_open: 'The device has no open command of this id',
  topic_forbidden: 'The device may not publish to this topic',
  topic_invalid: 'The topic has a wildcard or too many levels',
  packet_too_large: 'The message is larger than the limit; its payload was not read',
  device_unknown: 'The device was removed while the message was under way',
  device_inactive: 'The device is suspended or decommissioned',
  unsupported_kind: 'Nothing takes this kind of message yet',
  refused_by_database: 'The database refused the content',
  actor_failed: 'Handling the message failed; this is a defect of the server',
  quarantined: 'The device is in quarantine after repeated failures',
} as const;
export type DeadLetterReason = keyof typeof DEAD_LETTER_REASONS;

/**
 * What became of an uplink. `stored`, `duplicate`, `rejected` (it is in the dead letters) and `answered` are acknowledged; the others
 * are not: the sender is cut off, or asked to send again.
 */
export type Outcome =
  | { readonly state: 'stored' }
  /** Of `connected`: the number of the new session, and the node that had the one before. */
  | { readonly state: 'opened'; readonly session: number; readonly replaced: SessionPlace | null }
  /** Of a request: what its sender wants to know. Small, because many answers travel together. */
  | { readonly state: 'answered'; readonly answer: unknown }
  | { readonly state: 'duplicate' }
  | ({ readonly state: 'rejected' } & Refusal)
  | { readonly state: 'not_owner' }
  | { readonly state: 'moved' }
  | { readonly state: 'overloaded' }
  | { readonly state: 'unknown' };

/** Where a device's session is: the run of the process that has the connection, and its address on the bus. */
export type SessionPlace = { readonly session: number; readonly instanceId: string; readonly address: string };

export const STORED: Outcome = Object.freeze({ state: 'stored' });
export const DUPLICATE: Outcome = Object.freeze({ state: 'duplicate' });
export const OVERLOADED: Outcome = Object.freeze({ state: 'overloaded' });
export const UNKNOWN: Outcome = Object.freeze({ state: 'unknown' });
export const MOVED: Outcome = Object.freeze({ state: 'moved' });
export const NOT_OWNER: Outcome = Object.freeze({ state: 'not_owner' });

export const isAcknowledged = (outcome: Outcome): boolean =>
  outcome.state === 'stored' ||
  outcome.state === 'duplicate' ||
  outcome.state === 'rejected' ||
  outcome.state === 'opened' ||
  outcome.state === 'answered';

/** One batch of a numbered stream: what a router sends to the owner of its uplinks. */
export type Batch = {
  /** Whom it is for. An earlier or later run under the same address refuses it. */
  readonly instance: string;
  /** The sender's name for the stream, unique for ever. Its batches are numbered from 0 and taken in that order. */
  readonly stream: string;
  readonly sequence: number;
  /** Milliseconds since 1970: what arrives later is refused (`expired`). */
  readonly deadlineMs: number;
  readonly uplinks: readonly Uplink[];
  /** For each uplink the epoch of its shard that the sender knew: an owner of another epoch refuses it (`not_owner`). */
  readonly epochs: readonly number[];
};

/** The way in for protocol adapters. Calls back exactly once for each uplink, in the order of each device's uplinks. */
export interface Ingress {
  receive(uplink: Uplink, settled: (outcome: Outcome) => void): void;
  /** How full it is: 0 empty, 1 at its limit. Adapters shed QoS 0 above `ingressShedPercent`. */
  load(): number;
}
