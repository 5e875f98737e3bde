/**
 * Erases devices behind the answers, on each node that has this service. A node takes a device for a while and goes on taking it; one whose node
 * died is due again by itself. Everything is erased twice: at once, and when nothing of the device can be under way any more.
 */
import type { Logger } from 'pino';
import type { Database } from '../../adapters/database/database.ts';
import type { ArchiveFiles } from '../../adapters/database/telemetry/archive-files.ts';
import { isBeingWritten } from '../../adapters/database/telemetry/archive-records.ts';
import { deviceAddress } from '../../contracts/addresses.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { DeviceAddress } from '../../contracts/uplinks.ts';
import { appendAudit } from '../../mixins/audit.ts';
import { type Erased, eraseRows, hasPendingItems } from './erasing.ts';
import { eraseArchived } from './erasing-telemetry.ts';

type Parts = {
  readonly database: Database;
  /** Files with telemetry that is in the database no more. */
  readonly files: ArchiveFiles;
  readonly limits: Limits;
  readonly log: Logger;
  /** Forgets the copies of its twin outside of the database. False: that could not be done now. */
  readonly forgetCopies: (address: DeviceAddress) => Promise<boolean>;
};
type Taken = Erased & { readonly is_settled: boolean; readonly settled_at: Date };

const LEASE_SECONDS = 60;

export class Eraser {
  readonly #parts: Parts;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isAsked = false;
  #isStopped = false;
  #prolongAtMs = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.wake(), this.#parts.limits.erasurePollMs);
  }

  /** There is something to erase, perhaps. */
  wake(): void {
    if (this.#isStopped) return;
    this.#isAsked = true;
    this.#running ??= this.#run()
      .catch((err: unknown) => {
        if (!this.#isStopped) this.#parts.log.warn({ err }, 'could not erase a device; it is tried again');
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** What is under way is given up; another run goes on. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isAsked) {
      this.#isAsked = false;
      for (let device = await this.#take(); device !== undefined; device = await this.#take())
        await this.#erase(device);
    }
  }

  async #take(): Promise<Taken | undefined> {
    if (this.#isStopped) return undefined;
    const { database, limits } = this.#parts;
    const [device] = await database.query<Taken>(
      `UPDATE device SET erasure_due_at = now() + make_interval(secs => $1::int) FROM tenant
       WHERE tenant.tenant_id = device.tenant_id AND device_uid = (
         SELECT device_uid FROM device WHERE erasure_due_at <= now() ORDER BY erasure_due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING device_uid, device_id, device.tenant_id, slug AS tenant,
         erasure_started_at + $2::int * interval '1 ms' AS settled_at, erasure_started_at + $2::int * interval '1 ms' <= now() AS is_settled`,
      [LEASE_SECONDS, limits.erasureSettleMs],
    );
    return device;
  }

  async #erase(device: Taken): Promise<void> {
    const { database, files, limits, forgetCopies } = this.#parts;
    this.#prolongAtMs = performance.now() + (LEASE_SECONDS * 1000) / 3;
    await eraseRows(database, device, limits.erasureBatchRows, () => this.#goOn(device));
    await eraseArchived(database, files, device, () => this.#goOn(device));
    const isForgotten = await forgetCopies(deviceAddress(device.tenant, device.device_id));
    const isDone =
      device.is_settled &&
      isForgotten &&
      !(await isBeingWritten(database, device.tenant_id, device.settled_at)) &&
      !(await hasPendingItems(database, device));
    await (isDone ? this.#finish(device) : this.#postpone(device));
  }

  /** Prolongs the time for which this node has the device, when a third of it is over. */
  async #goOn({ device_uid }: Taken): Promise<void> {
    if (this.#isStopped) throw new Error('The process is stopping');
    const nowMs = performance.now();
    if (nowMs < this.#prolongAtMs) return;
    this.#prolongAtMs = nowMs + (LEASE_SECONDS * 1000) / 3;
    await this.#parts.database.query(
      'UPDATE device SET erasure_due_at = now() + make_interval(secs => $2::int) WHERE device_uid = $1 AND erased_at IS NULL',
      [device_uid, LEASE_SECONDS],
    );
  }

  #finish({ tenant_id: tenantId, device_uid, device_id }: Taken): Promise<void> {
    return this.#parts.database.transaction(async tx => {
      const ended = await tx.query(
        `UPDATE device SET erased_at = now(), erasure_due_at = NULL, version = version + 1, updated_at = now()
         WHERE device_uid = $1 AND erased_at IS NULL RETURNING 1 AS one`,
        [device_uid],
      );
      if (ended.length === 0) return;
      const entry = {
        tenantId,
        actor: 'system',
        act: 'device.erasure_completed',
        target: `device ${device_id}`,
      } as const;
      await appendAudit(tx, { ...entry, address: null, result: 'done' });
    });
  }

  async #postpone({ device_uid }: Taken): Promise<void> {
    const { database, limits } = this.#parts;
    await database.query(
      `UPDATE device SET erasure_due_at = greatest(
         erasure_started_at + $2::int * interval '1 ms', now() + $3::int * interval '1 ms')
       WHERE device_uid = $1 AND erased_at IS NULL`,
      [device_uid, limits.erasureSettleMs, limits.erasurePollMs],
    );
  }
}
