/** What goes down to devices: the mirror image of uplinks. It leaves the owner after the commit that it depends on. */
import type { CommandRecord } from './commands.ts';
import type { SessionPlace } from './uplinks.ts';

/** `command`: carry this out. `desired`: what differs from what is desired. `twin`: the answer to a device that asked for its twin. */
export type DownlinkKind = 'command' | 'desired' | 'twin';

export type Downlink = {
  readonly tenant: string;
  readonly device: string;
  /** The session that it is for. Any other one of the device must not get it. */
  readonly session: number;
  readonly kind: DownlinkKind;
  /** JSON text, as the device gets it. */
  readonly payload: string;
  /** Of a command: what the transport's acknowledgement is for. */
  readonly attempt: CommandAttempt | null;
};

/** Travels as the payload (JSON) of an uplink of kind `delivered`. */
export type CommandAttempt = { readonly id: string; readonly attempt: number };
/** Travels as the payload (JSON) of an uplink of kind `undelivered`: certainly not a byte of this attempt was sent. */
export type UndeliveredAttempt = CommandAttempt & { readonly why: Exclude<Delivery, 'sent'> };

/**
 * What became of a downlink at the connection. `sent`: it is on its way; its transport's acknowledgement comes as an uplink of kind
 * `delivered`, where the transport has one. The others are certain: not a byte was written, and none will be. `gone`: the session
 * has ended. `not_receiving`: the device takes no messages of this kind. `full`: too much waits for it.
 */
export type Delivery = 'sent' | 'gone' | 'not_receiving' | 'full';

/** What the connections of a process offer to whoever owns a device: the one port that every protocol implements. */
export interface Egress {
  deliver(downlink: Downlink): Delivery;
}

/** Kinds that a session takes, as bits: a device takes commands only when it has said so. The answer to its own question needs no bit. */
export const RECEIVES = { command: 1, desired: 2 } as const;
/** Travels as the payload (JSON) of an uplink of kind `receiving`: from now on the session takes these. */
export type Receiving = { readonly receives: number };

/** What an actor lets out once its effects are stored. */
export type Output =
  | { readonly to: 'device'; readonly place: SessionPlace; readonly downlink: Downlink }
  /** The node at this address waits for the end of this command. */
  | { readonly to: 'node'; readonly address: string; readonly ended: CommandRecord };
