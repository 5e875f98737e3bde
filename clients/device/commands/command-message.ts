/** A command as it comes from the server. */
import { KEY_MAX_BYTES } from '../storage/spool-record.ts';

export type CommandMessage = {
  readonly id: string;
  readonly command: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** How often the server has sent it, this time included. */
  readonly attempt: number;
  readonly deadlineMs: number | null;
};

/** An answer is found by `status id` in the spool. */
const ID_MAX_BYTES = KEY_MAX_BYTES - 'succeeded '.length;

/** Undefined: not a command, and nothing that could be answered. */
export function readCommand(payload: Buffer): CommandMessage | undefined {
  const message = readObject(payload);
  const { id, command, parameters, attempt, deadline } = message ?? {};
  if (typeof id !== 'string' || id === '' || Buffer.byteLength(id) > ID_MAX_BYTES) return undefined;
  if (typeof command !== 'string') return undefined;
  const deadlineMs = typeof deadline === 'string' ? Date.parse(deadline) : Number.NaN;
  return {
    id,
    command,
    parameters: isObject(parameters) ? parameters : {},
    attempt: typeof attempt === 'number' ? attempt : 1,
    deadlineMs: Number.isNaN(deadlineMs) ? null : deadlineMs,
  };
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Undefined: not JSON, or not an object. */
export function readObject(payload: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
