/**
 * What was revoked a short while ago, so that a credential which was found good before does not open a session after. A check that began
 * before a revocation was heard of here does not count, and one that began after it may still be answered from somebody's memory: see
 * `ConnectGate`.
 */
import { LRUCache } from 'lru-cache';
import type { Principal, Revocation } from '../../../contracts/access.contract.ts';

/** What a revocation ends, in one word. Keys, tokens and certificates of a device end what the device has open. */
export function ended({ kind, tenant, subject, device }: Revocation): string | undefined {
  if (kind === 'device') return `device ${tenant}/${subject}`;
  if (kind === 'device_key' || kind === 'device_token' || kind === 'certificate')
    return device === undefined ? undefined : `device ${tenant}/${device}`;
  // Which roles a caller has is not known here any more, so it ends what all callers of its tenant have open.
  if (kind === 'role') return `role ${tenant}`;
  if (kind === 'tenant') return `tenant ${tenant}`;
  return `${kind} ${tenant}/${subject}`;
}

/** All that would end what this caller has open. */
export function endedBy(principal: Principal): readonly string[] {
  const { tenant } = principal;
  if (principal.kind === 'device') return [`device ${tenant}/${principal.device}`, `tenant ${tenant}`];
  const own = principal.kind === 'application' ? 'api_key' : 'user';
  return [
    `${own} ${tenant}/${principal.id}`,
    ...(principal.login === undefined ? [] : [`login ${tenant}/${principal.login}`]),
    `role ${tenant}`,
    `tenant ${tenant}`,
  ];
}

export class Revocations {
  readonly #last: LRUCache<string, number>;
  readonly #keepMs: number;
  #soFar = 0;
  /** Of those that had to be forgotten too early: for as long as they would have been kept they count as being about everybody. */
  #forgotten = { number: 0, untilMs: 0 };

  constructor(max: number, keepMs: number) {
    this.#keepMs = keepMs;
    this.#last = new LRUCache({
      max,
      ttl: keepMs,
      dispose: (number, _ended, reason) => {
        if (reason === 'evict') this.#forgotten = { number, untilMs: performance.now() + this.#keepMs };
      },
    });
  }

  /** To be asked before a credential is checked, and compared with `lastOf`. */
  get soFar(): number {
    return this.#soFar;
  }

  note(ended: string): void {
    this.#last.set(ended, ++this.#soFar);
  }

  /** The number of the last one that is about this caller. 0: there was none lately. */
  lastOf(principal: Principal): number {
    const { number, untilMs } = this.#forgotten;
    const unknown = number > 0 && performance.now() < untilMs ? number : 0;
    return Math.max(unknown, ...endedBy(principal).map(it => this.#last.get(it) ?? 0));
  }
}
