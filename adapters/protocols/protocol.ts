/**
 * The port that every device protocol stands behind: what an adapter is given, and what it offers. An adapter turns bytes
 * into uplinks, settled uplinks into acknowledgements, and downlinks into bytes; it decodes nothing but the envelope.
 */
import type { Logger } from 'pino';
import type {
  ClientCertificate,
  DevicePrincipal,
  MemberPrincipal,
  Presented,
  Principal,
  Revocation,
} from '../../contracts/access.contract.ts';
import type { NewCertificate } from '../../contracts/certificates.contract.ts';
import type { Egress } from '../../contracts/downlinks.ts';
import type { HealthReport } from '../../contracts/health.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { InstanceId } from '../../contracts/ownership.ts';
import type { Permission } from '../../contracts/permissions.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import type { ConnectLimits } from '../limits/connect-limits.ts';

/** This run of this process, as others name it: see contracts/sessions.ts. */
export type Place = { readonly instanceId: InstanceId; readonly address: string; readonly nodeId: string };

/** One session of a device. */
export type SessionName = { readonly tenant: string; readonly device: string; readonly session: number };

export type ProtocolHost = {
  readonly ingress: Ingress;
  readonly place: Place;
  /** Has the node at this address close a session that was replaced by one of ours. Best effort: its owner refuses it anyway. */
  closeElsewhere(address: string, session: SessionName): void;
  /**
   * Checks a key or token. Rejects with an error of the error table: `unauthorized`, or what kept it from finding out.
   *
   * @param isFresh what is remembered does not count
   */
  authenticate(key: string, username: string, presented: Presented, isFresh: boolean): Promise<Principal>;
  /** Absent: nobody is known by a certificate, and none is renewed. */
  readonly certificates?: {
    /** Checks one that was good in the TLS handshake; otherwise as `authenticate`. */
    authenticate(
      certificate: ClientCertificate,
      username: string | undefined,
      presented: Presented,
      isFresh: boolean,
    ): Promise<Principal>;
    /** Rejects with an error of the error table. */
    renew(principal: DevicePrincipal, csr: string): Promise<NewCertificate>;
  };
  readonly connectLimits: ConnectLimits;
  /** Which devices the roles of a caller are limited to, of those that have this permission. Null: all devices; undefined: it has none. */
  limitOf(principal: MemberPrincipal, permission: Permission): string | null | undefined;
  /** Whether the device is there and fits such a limit. */
  fits(tenantId: number, device: string, limit: string): Promise<boolean>;
  /** Messages a second that the devices of a tenant may send together: its quota. */
  messageQuota(this: void, tenantId: number): number | Promise<number>;
  readonly limits: Limits;
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
  /** Milliseconds since 1970. */
  now(): number;
};

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
  /** Closes what depends on it here, and refuses what is being authenticated for it just now. */
  revoked(revocation: Revocation): void;
  /** This session was replaced by a newer one elsewhere. A newer one that is here stays. */
  closeReplaced(session: SessionName): void;
}
