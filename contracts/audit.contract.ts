import { action, contract, event } from './contract.ts';
import type { Page } from './devices.contract.ts';

export const AUDIT_RESULTS = ['done', 'refused'] as const;

export type AuditEntryView = {
  /** Its place in the log: 1, 2, 3, ... without a gap. */
  seq: number;
  /** ISO 8601, UTC, with microseconds: the hash is of them. */
  at: string;
  actor: string;
  act: string;
  target: string | null;
  address: string | null;
  result: (typeof AUDIT_RESULTS)[number];
  data: Record<string, unknown>;
  /** SHA-256 over the hash of the one before and this one, in hex. */
  hash: string;
};

export type AuditVerification = {
  /** Entries that were looked at, and the last of them. */
  entries: number;
  last: number;
  /** All that were looked at are as they were written, and none is missing between them. */
  whole: boolean;
  /** The first that is not, or behind which one is missing; null: there is none. */
  brokenAt: number | null;
  /** Where the next call goes on; null: this was the end of the log. */
  nextAfter: number | null;
  /** Of the last one at the end of the log: kept elsewhere, it shows later whether the end was cut off or the whole was made anew. */
  hash: string;
};

/** An act that was refused before it came to a transaction. */
export type RefusedAct = {
  /** Null: nobody knows whose it was; it goes to the organization that runs the system. */
  readonly tenantId: number | null;
  readonly actor: string;
  readonly act: string;
  readonly target: string | null;
  readonly address: string | null;
};

/** The log of what concerns security. It is only ever appended to: mixins/audit.ts. */
export const audit = contract('audit', {
  /** Newest first. `from` and `to`: milliseconds since 1970. */
  list: action(
    {
      actor: 'string|optional',
      act: 'string|optional',
      target: 'string|optional',
      address: 'string|optional',
      result: { type: 'enum', values: AUDIT_RESULTS, optional: true },
      from: 'number|optional',
      to: 'number|optional',
      limit: 'number|optional|integer',
      cursor: 'string|optional',
    },
    { needs: 'audit:read' },
  ).returns<Page<AuditEntryView>>(),
  /** Computes the hashes again, of the entries after `after`. */
  verify: action({ after: 'number|optional|integer|min:0' }, { needs: 'audit:read' }).returns<AuditVerification>(),
  /** For the log. At most once, and the same of a short while count as one: whoever is refused without end does not fill it. */
  refused: event<RefusedAct>(),
});
