/**
 * What the nodes that speak MQTT tell each other: which messages their applications want, and those messages. Each node
 * numbers what it sends to each other one, so that the receiver knows what it missed.
 */
import { action, contract, event, typed } from './contract.ts';
import type { HealthReport } from './health.contract.ts';
import type { InstanceId } from './ownership.ts';

/** Filters of one tenant's applications, each with the highest QoS that one of them was granted. */
export type TenantInterest = { readonly tenant: string; readonly filters: readonly (readonly [string, 0 | 1 | 2])[] };

/** The state of the stream of messages from a node to another. */
export type StreamHead = {
  /** Grows with every new stream of a node, over its restarts too. */
  readonly stream: number;
  /** It began before any device could connect to its node: nothing came before it. */
  readonly whole: boolean;
  /** All batches before this one have arrived, or never will. */
  readonly oldest: number;
  /** Tenants of which messages were lost; each with a number that grows with every loss of the stream. */
  readonly lost: readonly (readonly [string, number])[];
};

/** What one node says of itself to another one. */
export type FrontNode = {
  readonly instance: InstanceId;
  /** Of its interest: grows with every change, over its restarts too. */
  readonly version: number;
  /** Null: as it was told before. */
  readonly interest: readonly TenantInterest[] | null;
  /** The version of the other's interest that it knows; 0: none. */
  readonly knows: number;
  /** Of its messages to the other one. */
  readonly head: StreamHead;
};
/** `bye`: it stops, and sends nothing more. */
export type Greeting = FrontNode & { readonly from: string; readonly bye: boolean };

/** Tenant, topic, payload, QoS, content type. */
export type ForwardedMessage = readonly [string, string, Uint8Array, 0 | 1 | 2, string];
export type Forward = {
  readonly from: string;
  /** Whom it is for: a later run under the same address has other applications. */
  readonly to: InstanceId;
  readonly head: StreamHead;
  readonly sequence: number;
  readonly messages: readonly ForwardedMessage[];
};

/** An application connected. Of those with the same client id the newest stays: the one with the highest number. */
export type ApplicationClaim = {
  readonly tenant: string;
  readonly clientId: string;
  readonly number: number;
  /** Decides between two with the same number. */
  readonly instance: InstanceId;
};

export const mqtt = contract('mqtt', {
  health: action({}, { needs: 'inside' }).returns<HealthReport>(),
  /** A session of a device was replaced by a newer one on another node. */
  close: action({ tenant: 'string', device: 'string', session: 'number' }, { needs: 'inside' }).returns<void>(),
  /** Every few seconds, and whenever what the asking node wants has changed. */
  greet: action({ greeting: typed<Greeting>({ type: 'object' }) }, { needs: 'inside' }).returns<FrontNode>(),
  /** A batch of messages for applications; answers the number of the next one that is to come. */
  forward: action({ forward: typed<Forward>({ type: 'object' }) }, { needs: 'inside' }).returns<{ next: number }>(),
  applicationConnected: event<ApplicationClaim>(),
});
