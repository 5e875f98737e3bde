/** What callers say of something that has texts, metadata and tags: the rules of contracts/resource-fields.ts let through what is checked here. */
import { SkeinError } from '../contracts/errors.ts';
import type { Limits } from '../contracts/limits.ts';
import { checkJson, checkText } from './bounded-json.ts';

type Said = { readonly metadata?: unknown; readonly tags?: readonly string[]; readonly [field: string]: unknown };

/** What is the same as `fields`, with each tag once. Rejects with `invalid_request` or `too_large`. */
export function checkedFields<F extends Said>(fields: F, required: readonly string[], limits: Limits): F {
  const { metadataMaxBytes, valueMaxDepth } = limits;
  // The validator takes null for an optional parameter; these have no null.
  const missing = [...required, 'metadata', 'tags'].find(name => fields[name] === null);
  if (missing !== undefined) throw new SkeinError('invalid_request', `${missing} must not be null`);
  for (const [name, value] of Object.entries(fields)) if (typeof value === 'string') checkText(name, value);
  for (const tag of fields.tags ?? []) checkText('tags', tag);
  if (fields.metadata !== undefined) checkJson('metadata', fields.metadata, metadataMaxBytes, valueMaxDepth);
  return fields.tags === undefined ? fields : { ...fields, tags: [...new Set(fields.tags)] };
}
