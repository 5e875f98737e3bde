/** Pages of certificates. */
import type { Database } from '../../adapters/database/database.ts';
import type { CertificateView } from '../../contracts/certificates.contract.ts';
import type { Page } from '../../contracts/devices.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import { pageOf, pageSize, positionOf, type Shape } from '../../mixins/cursors.ts';
import {
  type CertificateFilter,
  type CertificatePosition,
  type CertificateRow,
  certificateView,
  listCertificates,
} from './certificate-rows.ts';

const DAY_MS = 86_400_000;
const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;
/** Of a time that PostgreSQL knows. */
const POSITION: Shape = ([endsMs, serialNumber, ...rest]) =>
  rest.length === 0 &&
  Number.isSafeInteger(endsMs) &&
  Math.abs(endsMs as number) < 8e15 &&
  typeof serialNumber === 'string' &&
  /^[0-9A-F]{1,64}$/.test(serialNumber);

type Asked = { readonly limit?: number; readonly cursor?: string };

export async function certificatePage(
  database: Database,
  limits: Limits,
  filter: CertificateFilter,
  { limit, cursor }: Asked,
): Promise<Page<CertificateView>> {
  const { tenantId, state, deviceId, batchId, endingBefore: before } = filter;
  // Not the moment itself: `expiringWithinDays` is another one on each page.
  const list = ['certificates', tenantId, state, deviceId, before !== undefined, batchId];
  const size = pageSize(limit, limits);
  const after = positionOf<CertificatePosition>(list, cursor, POSITION);
  const rows = await listCertificates(database, filter, after, size + 1);
  return pageOf<CertificateRow, CertificateView>(list, rows, size, certificateView, row => [
    row.not_after.getTime(),
    row.serial_number,
  ]);
}

/** Rejects with `invalid_request`. */
export function endingBefore(before: string | undefined, withinDays: number | undefined): Date | undefined {
  if (before !== undefined && withinDays !== undefined)
    throw new SkeinError('invalid_request', 'expiringBefore and expiringWithinDays exclude each other');
  if (withinDays !== undefined) return new Date(Date.now() + withinDays * DAY_MS);
  if (before === undefined) return undefined;
  const ms = TIME.test(before) ? Date.parse(before) : Number.NaN;
  if (Number.isNaN(ms)) throw new SkeinError('invalid_request', 'expiringBefore must be ISO 8601 with a zone');
  return new Date(ms);
}
