import type { Decode } from '../../contracts/codecs.ts';
import type { Output } from '../../contracts/downlinks.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Store } from '../../contracts/store.ts';
import type { TwinFollower } from '../../contracts/twins.ts';
import type { Uplink } from '../../contracts/uplinks.ts';
import type { Clock, Random, Scheduler } from './ports.ts';

/** What a host is given. */
export type HostParts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly limits: Limits;
  readonly decode: Decode;
  /** Another instance took over: this process has nothing more to do. */
  readonly onFenced: () => void;
  /** An actor threw: a defect, for the log. */
  readonly onDefect: (error: unknown, uplink: Uplink) => void;
  /** A device's twin as it is stored: after each change, and whenever its actor was loaded. */
  readonly onTwin?: TwinFollower;
  /** What may leave now, because what it depends on is stored: the way down to devices. */
  readonly onOutputs?: (outputs: readonly Output[]) => void;
  /** Only to show that the tests can fail: senders are told before the commit. */
  readonly acknowledgeBeforeCommit?: boolean;
};
