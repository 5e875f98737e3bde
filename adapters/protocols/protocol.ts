/**
 * The port that every device protocol stands behind: what an adapter is given, and what it offers. An adapter turns bytes
 * into uplinks, settled uplinks into acknowledgements, and downlinks into bytes; it decodes nothing but the envelope.
 */
import type { Logger } from 'pino';
import type { Principal } from '../../contracts/access.contract.ts';
import type { Egress } from '../../contracts/downlinks.ts';
import type { HealthReport } from '../../contracts/health.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { InstanceId } from '../../contracts/ownership.ts';
import type { Ingress } from '../../contracts/uplinks.ts';

/** This run of this process, as others name it: see contracts/sessions.ts. */
export type Place = { readonly instanceId: InstanceId; readonly address: string; readonly nodeId: string };

/** One session of a device. */
export type SessionName = { readonly tenant: string; readonly device: string; readonly session: number };

export type ProtocolHost = {
  readonly ingress: Ingress;
  readonly place: Place;
  /** Has the node at this address close a session that was replaced by one of ours. Best effort: its owner refuses it anyway. */
  closeElsewhere(address: string, session: SessionName): void;
  /** Checks a key. Rejects with an error of the error table: `unauthorized`, or what kept it from finding out. */
  authenticate(key: string, username: string): Promise<Principal>;
  readonly limits: Limits;
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
  /** Milliseconds since 1970. */
  now(): number;
};

/** Why somebody outside of the adapter wants a device's connections closed. `revoked`: its keys no longer work. */
export type CloseReason = 'revoked';

export interface Protocol extends Egress {
  /** The ports that were taken, by listener: known after `start`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Listens. Rejects when a port can not be had. */
  start(): Promise<void>;
  /** Takes no new connection from now on; the live ones stay. */
  stopListening(): void;
  /** Takes no new connection, tells the live ones, and resolves when all are closed and the end of each is stored. */
  stop(): Promise<void>;
  health(): HealthReport;
  /** Closes what this device has open here, and refuses what is being authenticated for it just now. */
  closeDevice(tenant: string, device: string, reason: CloseReason): void;
  /** This session was replaced by a newer one elsewhere. A newer one that is here stays. */
  closeReplaced(session: SessionName): void;
}
