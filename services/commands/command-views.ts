/** How a command looks outside. */
import type { CommandView } from '../../contracts/commands.contract.ts';
import { type CommandRecord, PRIORITIES } from '../../contracts/commands.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

export const commandView = (command: CommandRecord & { readonly deviceId: string }): CommandView => ({
  id: command.id,
  deviceId: command.deviceId,
  command: command.name,
  parameters: JSON.parse(command.parametersJson),
  mode: command.mode,
  priority: PRIORITIES[command.priority]!,
  supersedes: command.supersedes,
  state: command.state,
  attempt: command.attempt,
  createdAt: iso(command.createdAtMs),
  deadline: iso(command.deadlineMs),
  endedAt: command.endedAtMs === null ? null : iso(command.endedAtMs),
  result: command.result ?? null,
  error: command.error ?? null,
  jobId: command.jobId,
  resendOf: command.resendOf,
  requestedBy: command.requestedBy,
  history: command.transitions.map(({ state, atMs, attempt, reason }) => ({ state, at: iso(atMs), attempt, reason })),
});
