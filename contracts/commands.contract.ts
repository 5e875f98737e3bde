import type { CommandMode, CommandState, Priority } from './commands.ts';
import { COMMAND_MODES, COMMAND_STATES, PRIORITIES } from './commands.ts';
import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { JsonObject } from './json.ts';

export type CommandView = {
  id: string;
  deviceId: string;
  command: string;
  parameters: JsonObject;
  mode: CommandMode;
  priority: Priority;
  supersedes: string | null;
  state: CommandState;
  /** How often it was sent. */
  attempt: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  deadline: string;
  endedAt: string | null;
  /** What the device answered; null: nothing. */
  result: unknown;
  error: unknown;
  jobId: string | null;
  resendOf: string | null;
  /** Who asked: `user <id>` or `application <id>`. */
  requestedBy: string;
  history: { state: CommandState; at: string; attempt: number; reason: string | null }[];
};

const listing = {
  limit: 'number|optional|integer',
  cursor: 'string|optional',
  state: { type: 'enum', values: COMMAND_STATES, optional: true },
} as const;
const ttlMs = { type: 'number', optional: true, integer: true } as const;

/** Commands to devices. The tenant is the principal's (`ctx.meta.principal`), never a parameter. */
export const commands = contract('commands', {
  /**
   * Asks for a command; resolves when that is stored. `waitSeconds`: only when it has ended, or after this time. The same
   * Idempotency-Key (`ctx.meta.idempotency`) and request again: the same command, whatever became of it.
   */
  send: action(
    {
      deviceId: 'string',
      command: 'string',
      parameters: typed<JsonObject | undefined>({ type: 'object', optional: true }),
      mode: { type: 'enum', values: COMMAND_MODES, optional: true },
      priority: { type: 'enum', values: PRIORITIES, optional: true },
      ttlMs,
      deadline: 'string|optional',
      supersedes: 'string|optional',
      waitSeconds: 'number|optional',
    },
    { needs: 'commands:send', of: 'deviceId' },
  ).returns<CommandView>(),
  get: action(
    { id: 'string' },
    { needs: 'commands:read', device: 'commands:receive', of: 'devices' },
  ).returns<CommandView>(),
  /** Newest first, as all lists of commands. */
  listOfDevice: action(
    { deviceId: 'string', ...listing },
    { needs: 'commands:read', device: 'commands:receive', of: 'deviceId' },
  ).returns<Page<CommandView>>(),
  list: action(
    {
      ...listing,
      deviceId: 'string|optional',
      command: 'string|optional',
      jobId: 'uuid|optional',
    },
    { needs: 'commands:read', of: 'devices' },
  ).returns<Page<CommandView>>(),
  /** Those that ended badly. */
  listDeadLetters: action(
    { ...listing, deviceId: 'string|optional', command: 'string|optional' },
    { needs: 'commands:read', of: 'devices' },
  ).returns<Page<CommandView>>(),
  /** Ends it: `cancelled` before any attempt, `unknown` after one. */
  cancel: action(
    { id: 'string', reason: 'string|optional' },
    { needs: 'commands:send', of: 'devices' },
  ).returns<CommandView>(),
  /** The same again as a new command. Only of one that has ended. */
  resend: action({ id: 'string', ttlMs }, { needs: 'commands:send', of: 'devices' }).returns<CommandView>(),
});
