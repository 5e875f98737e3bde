/** What is still taken while the disk of the database is full: whatever only reads, whatever makes room, and logging in to do either. */
import type { Room } from '../../adapters/database/database.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Endpoint } from './endpoint.ts';

/** Changes that must be possible then; if there is no room even for them, the database says so. */
const TRIED = [/^\/auth\//, /^\/dead-letters\/purge$/, /\/(cancel|suspend|revoke|revoked|decommission)$/];

/** Rejects with `storage_full`. */
export function checkRoom(
  room: Room | undefined,
  { method, path, storesNothing }: Pick<Endpoint, 'method' | 'path' | 'storesNothing'>,
  { diskProbeMaxMs }: Limits,
): void {
  if (room?.readOnly === undefined || method === 'GET' || method === 'DELETE' || storesNothing) return;
  if (TRIED.some(it => it.test(path))) return;
  const detail = 'The disk of the database is full, so nothing new is stored; what is stored can be read';
  throw new SkeinError('storage_full', detail, { retryAfterMs: diskProbeMaxMs });
}
