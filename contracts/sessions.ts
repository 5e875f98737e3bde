/** A device's connection, as its front node tells the device's actor of it. */
import type { InstanceId } from './ownership.ts';

/** Travels as the payload (JSON) of an uplink of kind `connected`. */
export type Connection = {
  /** The run of the process that has the connection, its address on the bus, and what the operator calls the node. */
  readonly instanceId: InstanceId;
  readonly address: string;
  readonly nodeId: string;
  /** `mqtt`, `mqtts`, `ws`, ... */
  readonly protocol: string;
  /** Where the device connected from: host and port. */
  readonly peer: string;
};

/** Travels as the payload (JSON) of an uplink of kind `disconnected`: why the session ended. */
export type Disconnection = { readonly reason: string };

/** What is stored of a device's session. */
export type SessionChange =
  | ({ readonly kind: 'opened'; readonly session: number; readonly atMs: number } & Connection)
  /** `receives`: bits of `RECEIVES` (contracts/downlinks.ts). */
  | { readonly kind: 'receiving'; readonly session: number; readonly receives: number }
  | { readonly kind: 'closed'; readonly session: number; readonly atMs: number; readonly reason: string };

/** The newest session of a device, as its actor needs it. */
export type SessionRecord = {
  readonly session: number;
  readonly instanceId: InstanceId;
  readonly address: string;
  readonly connected: boolean;
  /** What it takes: bits of `RECEIVES` (contracts/downlinks.ts). */
  readonly receives: number;
};
