import { action, contract } from './contract.ts';
import type { Page } from './devices.contract.ts';
import { PAGING, text } from './resource-fields.ts';

export type LegalHoldView = {
  id: string;
  /** What it covers: all of it that is named; null: all. */
  deviceId: string | null;
  deviceType: string | null;
  measurement: string | null;
  /** Readings from here on, and before there: ISO 8601, UTC; null: no end. */
  from: string | null;
  to: string | null;
  reason: string;
  /** `user 0193...` */
  madeBy: string;
  createdAt: string;
  /** Null while it holds. */
  releasedAt: string | null;
  releasedBy: string | null;
  releaseReason: string | null;
};

const REASON = { type: 'string', min: 1, max: 1_000 } as const;

/** What must not be removed, whatever policies say: neither archived, nor dropped, nor erased. */
export const legalHolds = contract('legal-holds', {
  /** The newest first. `open`: those that hold. */
  list: action({ ...PAGING, open: 'boolean|optional' }, { needs: 'storage:hold' }).returns<Page<LegalHoldView>>(),
  get: action({ id: 'string' }, { needs: 'storage:hold' }).returns<LegalHoldView>(),
  /** Answers when it holds. `from` and `to` are milliseconds since 1970. Refused for a device that is being erased. */
  create: action(
    {
      deviceId: text(1_000),
      deviceType: text(1_000),
      measurement: text(1_000),
      from: 'number|optional|nullable|integer',
      to: 'number|optional|nullable|integer',
      reason: REASON,
    },
    { needs: 'storage:hold' },
  ).returns<LegalHoldView>(),
  /** Again: refused with `conflict`. */
  release: action({ id: 'string', reason: REASON }, { needs: 'storage:hold' }).returns<LegalHoldView>(),
});
