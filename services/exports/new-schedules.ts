import type { Covered, ExportRequest } from '../../contracts/exports.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import { checkText } from '../../mixins/bounded-json.ts';
import { checkCron, coveredSpan } from './cron-times.ts';
import type { Seen } from './export-rows.ts';
import { checkSpan, requestOf } from './request.ts';
import type { NewSchedule } from './schedule-rows.ts';

type Said = ExportRequest & { readonly name: string; readonly cron: string; readonly window: Covered };
/** Of any of its exports: no month is longer than that. */
const LONG_MONTH = new Date('2026-02-01T12:00:00Z');

/** What a schedule is asked to make, once it is known to make sense. Rejects with `invalid_request`, `too_large` or `too_many_buckets`. */
export function newSchedule(said: Said, by: Seen & { readonly requestedBy: string }, limits: Limits): NewSchedule {
  const { name, cron, window: covers, timezone = 'UTC', ...selection } = said;
  checkText('name', name);
  checkCron(cron, timezone);
  const { timezone: _zone, ...request } = requestOf({ ...selection, timezone }, limits, true);
  checkSpan(coveredSpan(covers, timezone, LONG_MONTH), request, limits);
  return { ...by, name, cron, timezone, covers, request };
}
