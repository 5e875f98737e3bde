/** A session lasts no longer than the credential that opened it. */
import type { ProtocolHost } from '../protocol.ts';
import type { Session } from './session.ts';

/** The longest that a timer waits: 2^31 ms less one. A token may be good for longer. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** A timer is early at times, and its clock is not the one that the end is told by: so it looks again. */
export function endAt(session: Session, expiresAtMs: number, host: Pick<ProtocolHost, 'now'>): void {
  const leftMs = expiresAtMs - host.now();
  const timer = setTimeout(
    () => {
      if (session.isOver) return;
      if (host.now() < expiresAtMs) endAt(session, expiresAtMs, host);
      else session.close('credential_expired');
    },
    Math.max(1, Math.min(leftMs, TIMER_MAX_MS)),
  );
  timer.unref();
  session.client.conn.once('close', () => clearTimeout(timer));
}
