import type { Server } from 'node:http';
import type { Logger } from 'pino';
import type { Database } from '../adapters/database/database.ts';
import type { Archive } from '../adapters/database/telemetry/archive.ts';
import type { ServerIdentity } from '../adapters/tls/server-identity.ts';
import type { Config } from '../config.ts';
import type { BlobStore } from '../contracts/blobs.ts';
import type { InstanceId } from '../contracts/ownership.ts';
import type { Sealer } from '../contracts/sealing.ts';

/** What a process has one of, and its services share. Each service names the parts that it takes. */
export type Node = {
  readonly config: Config;
  readonly database: Database;
  readonly log: Logger;
  /** Large things: archives, exports, uploads. */
  readonly blobs: BlobStore;
  /** Telemetry that was moved there. */
  readonly archive: Archive;
  /** Keeps secrets that the database holds. */
  readonly sealer: Sealer;
  /** Listens when all services have started; REST and MQTT over WebSocket share it. */
  readonly http: Server;
  /** The certificate of its listeners with TLS. Absent: it has none. */
  readonly tls?: ServerIdentity;
  /** This run of the process, in the database. */
  readonly instanceId: InstanceId;
  /** This run of the process, on the bus: its Moleculer node id. */
  readonly address: string;
};
