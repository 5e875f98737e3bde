/** What is known of commands after a run: what the server stored, what devices did, and what callers were told. */
import type { CommandMode, CommandState, CommandTransition } from '../../../contracts/commands.ts';

export type StoredCommand = {
  readonly id: string;
  readonly deviceId: string;
  readonly mode: CommandMode;
  readonly state: CommandState;
  readonly attempt: number;
  readonly idempotencyKey: string | null;
  /** Of more than a limit the first one and the newest. */
  readonly transitions: readonly CommandTransition[];
  /** The same from the events: all of them, in the order of their transactions. */
  readonly events: readonly CommandTransition[];
};

/** What a device wrote down while it carried a command out. `attempt`: as the message said. */
export type Execution = { readonly id: string; readonly attempt: number };
/** `library`: uses clients/device, which remembers commands. `plain`: remembers nothing, and gets only commands in mode `once`. */
export type DeviceKind = 'library' | 'plain';
export type DeviceLedger = {
  readonly deviceId: string;
  readonly kind: DeviceKind;
  readonly executions: readonly Execution[];
};

/** What came of one idempotency key, as far as its caller knows. */
export type AskedCommand = {
  readonly key: string;
  /** Of every answer 2xx, in the order of the answers. */
  readonly answers: readonly { readonly id: string; readonly state: CommandState }[];
};

/** What a device sent and the server put aside. `id`, `status`: when it was an answer to a command. */
export type DeadLetter = {
  readonly deviceId: string;
  readonly reason: string;
  readonly id: string | undefined;
  readonly status: string | undefined;
};

export type Account = {
  readonly commands: readonly StoredCommand[];
  readonly deadLetters: readonly DeadLetter[];
  readonly ledgers: readonly DeviceLedger[];
  readonly asked: readonly AskedCommand[];
  /** So many transitions are kept of one command. */
  readonly transitionsMax: number;
};

/** Lines `<id> <attempt>`. */
export const executionsIn = (text: string): Execution[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [id, attempt] = line.split(' ');
      return { id: id!, attempt: Number(attempt) };
    });
