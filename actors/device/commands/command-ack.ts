import { Buffer } from 'node:buffer';
import { ACK_STATUSES, type AckStatus } from '../../../contracts/commands.ts';
import { isJsonObject, isStorableText, jsonFault } from '../../../contracts/json.ts';
import type { Limits } from '../../../contracts/limits.ts';
import type { Effects } from '../../../contracts/store.ts';
import type { Refusal } from '../../../contracts/uplinks.ts';

/** What a device answers to a command. `reason`: what of it is said in the command's history. */
export type CommandAck = {
  readonly id: string;
  readonly status: AckStatus;
  readonly result?: unknown;
  readonly error?: unknown;
  readonly reason: string | null;
};
type AckLimits = Pick<Limits, 'commandAnswerMaxBytes' | 'valueMaxDepth'>;

const ID_MAX_LENGTH = 64;
const REASON_MAX_LENGTH = 200;

/** `{"id", "status", "result"?, "error"?}`; whatever else is in it is ignored. */
export function readAck(content: unknown, limits: AckLimits): CommandAck | Refusal {
  if (!isJsonObject(content)) return refusal('An answer is an object with "id" and "status"');
  const { id, status, result, error } = content;
  if (typeof id !== 'string' || id.length > ID_MAX_LENGTH || !isStorableText(id))
    return refusal('"id" is no command id');
  const known = ACK_STATUSES.find(it => it === status);
  if (known === undefined) return refusal(`"status" must be one of ${ACK_STATUSES.join(', ')}`);
  const said = { ...(result !== undefined && { result }), ...(error !== undefined && { error }) };
  // The command was carried out or not, whatever else is said: what can't be kept of it is left out, and that is noted.
  if (jsonFault(said, limits.valueMaxDepth + 1) !== undefined)
    return { id, status: known, reason: 'answer_not_storable' };
  if (Buffer.byteLength(JSON.stringify(said)) > limits.commandAnswerMaxBytes)
    return { id, status: known, reason: 'answer_too_large' };
  return { id, status: known, ...said, reason: reasonOf(error) };
}

const refusal = (detail: string): Refusal => ({ reason: 'invalid_ack', detail });

/** The error as a text: itself, or its `message`. */
function reasonOf(error: unknown): string | null {
  const text = isJsonObject(error) ? error.message : error;
  return typeof text === 'string' ? text.slice(0, REASON_MAX_LENGTH).toWellFormed() : null;
}

/** The same answer once more, because its acknowledgement was lost, is nothing to keep: what is stored decides. */
export function unlessRepeated({ id, status }: CommandAck, refused: Effects): Effects {
  if (status === 'accepted' || refused.deadLetter === null) return refused;
  return { ...refused, deadLetter: { ...refused.deadLetter, unless: { commandId: id, state: status } } };
}
