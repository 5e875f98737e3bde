/** What may be kept as jsonb: bounded in size and depth, and nothing that PostgreSQL would refuse or JSON would change. */
import { SkeinError } from '../contracts/errors.ts';
import { isStorableText, type JsonFault, jsonFault } from '../contracts/json.ts';

const SAID: Record<JsonFault, string> = {
  too_deep: 'is nested too deep',
  not_finite: 'has a number that is not finite',
  not_storable: "has a character that can't be stored",
};

/** Rejects with `invalid_request`, naming `name`; with `too_large` when its JSON has more than `maxBytes`. */
export function checkJson(name: string, value: unknown, maxBytes: number, maxDepth: number): void {
  const fault = jsonFault(value, maxDepth);
  if (fault !== undefined) throw new SkeinError('invalid_request', `${name} ${SAID[fault]}`);
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '');
  if (bytes > maxBytes) throw new SkeinError('too_large', `${name} has ${bytes} bytes, more than ${maxBytes}`);
}

export function checkText(name: string, text: string): void {
  if (!isStorableText(text)) throw new SkeinError('invalid_request', `${name} ${SAID.not_storable}`);
}
