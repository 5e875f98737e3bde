import type { Decode } from '../../contracts/codecs.ts';
import type { Limits } from '../../contracts/limits.ts';

/** Who may send a command now, so that all devices together get no more of them than they and their network can take. */
export interface CommandPace {
  /** Whether a command of this priority may be sent at once. If so, it counts as sent. */
  take(priority: number): boolean;
  /** One that was taken, or given with a `turn`, was not used. */
  giveBack(): void;
}

/** What every actor of a host shares. */
export type Surroundings = {
  readonly decode: Decode;
  readonly limits: Limits;
  /** Milliseconds since 1970, by the clock of the host: what comes from elsewhere has the time of other clocks, and may have been on its way for long. */
  readonly nowMs: () => number;
  readonly uuid: () => string;
  /** A random number from 0 to 1, without 1. */
  readonly fraction: () => number;
  readonly pace: CommandPace;
};
