/** The twin as it was. */
import { mergePatch } from '../../actors/device/merge-patch.ts';
import type { Database } from '../../adapters/database/database.ts';
import { twinAsOf } from '../../adapters/database/twin-history.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { type Limits, limitVariable } from '../../contracts/limits.ts';
import type { PastTwinView } from '../../contracts/twins.contract.ts';
import { unknownDevice } from '../../mixins/unknown-device.ts';
import { openCommandsAt } from './past-commands.ts';
import { twinView } from './twin-rows.ts';

const DAY_MS = 24 * 3_600_000;

/** Rejects with an error of the table, or with a DatabaseError. */
export async function pastTwin(
  database: Database,
  { tenantId, id }: { readonly tenantId: number; readonly id: string },
  atMs: number,
  { commandKeepDays, twinHistoryKeepDays }: Pick<Limits, 'commandKeepDays' | 'twinHistoryKeepDays'>,
): Promise<PastTwinView> {
  const nowMs = Date.now();
  if (atMs > nowMs) throw new SkeinError('invalid_request', 'at lies in the future');
  const [device] = await database.query<{ device_uid: number; created_at: Date }>(
    'SELECT device_uid, created_at FROM device WHERE tenant_id = $1 AND device_id = $2',
    [tenantId, id],
  );
  if (device === undefined) throw unknownDevice(id);
  if (atMs < device.created_at.getTime())
    throw new SkeinError('not_found', `The device was registered later, at ${device.created_at.toISOString()}`);
  const twin = await twinAsOf(database, device.device_uid, atMs, mergePatch);
  if (twin === undefined) throw unknownPast(twinHistoryKeepDays);
  const commandsAreKept = atMs >= nowMs - commandKeepDays * DAY_MS;
  return {
    ...twinView(id, twin),
    at: new Date(atMs).toISOString(),
    openCommands: commandsAreKept ? await openCommandsAt(database, device.device_uid, atMs) : null,
  };
}

const unknownPast = (days: number): SkeinError =>
  new SkeinError(
    'not_found',
    `How the twin was then is not known: its history is kept for ${days} days (${limitVariable('twinHistoryKeepDays')})`,
  );
