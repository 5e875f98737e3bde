/** What a firmware writes: a function for each command. */
import type { Answer } from './answer.ts';
import type { CommandMessage } from './command-message.ts';

export type CommandContext = Omit<CommandMessage, 'parameters'> & {
  /** Aborted when the device stops. */
  readonly signal: AbortSignal;
};
/** What it returns is the result, as JSON. Throws `CommandRejected`: rejected; anything else: failed. */
export type CommandHandler = (parameters: CommandMessage['parameters'], context: CommandContext) => unknown;
/** `idempotent`: carrying it out again does no harm, so it is done again when the process ended in the middle of it. */
export type CommandEntry = CommandHandler | { readonly handle: CommandHandler; readonly idempotent: boolean };

/** Thrown by a handler that did not and will not carry the command out. */
export class CommandRejected extends Error {
  override readonly name = 'CommandRejected';
}

export const handlerOf = (entry: CommandEntry): CommandHandler => (typeof entry === 'function' ? entry : entry.handle);
export const isIdempotent = (entry: CommandEntry | undefined): boolean =>
  typeof entry === 'object' && entry.idempotent === true;

/** Of one character: `\u0000`. */
const JSON_MAX_BYTES = 6;

/** Never throws. */
export async function answerOf(run: () => unknown, resultMaxBytes: number): Promise<Answer> {
  try {
    return fitting(await run(), resultMaxBytes);
  } catch (error) {
    const status = error instanceof CommandRejected ? 'rejected' : 'failed';
    return { status, error: messageOf(error).slice(0, resultMaxBytes / JSON_MAX_BYTES) };
  }
}

/** It was carried out, whatever can be told of it. */
function fitting(result: unknown, resultMaxBytes: number): Answer {
  try {
    const text = JSON.stringify(result) ?? '';
    if (Buffer.byteLength(text) > resultMaxBytes) return { status: 'succeeded', error: 'result_too_large' };
    return text === '' ? { status: 'succeeded' } : { status: 'succeeded', result: JSON.parse(text) };
  } catch {
    return { status: 'succeeded', error: 'result_not_json' };
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
