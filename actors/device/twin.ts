/** A device's twin: a fold of merge patches. These functions change nothing that they are given. */
import { Buffer } from 'node:buffer';
import { hasName, isJsonObject, type JsonFault, type JsonObject, jsonFault } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';
import type {
  DesiredAnswer,
  DesiredChange,
  TwinChange,
  TwinDocument,
  TwinRecord,
  TwinStep,
} from '../../contracts/twins.ts';
import { mergePatch } from './merge-patch.ts';

type TwinLimits = Pick<Limits, 'twinMaxBytes' | 'twinMaxDepth'>;

/** Why a patch is not taken. */
export type PatchRefusal = { readonly error: 'invalid_patch' | 'too_large'; readonly detail: string };

/** The twin after the device reported this; null when that is no news. */
export function report(
  twin: TwinRecord,
  patch: unknown,
  nowMs: number,
  limits: TwinLimits,
): TwinChange | PatchRefusal | null {
  const reported = patched(twin.reported, patch, nowMs, limits);
  if ('error' in reported) return reported;
  if (reported === twin.reported) return null;
  return { record: { ...twin, reported }, step: stepOf('reported', reported, patch as JsonObject, nowMs) };
}

/** The twin after this was desired of the device (null when that is no news), and what is to be said to who desires it. */
export function desire(
  twin: TwinRecord,
  { patch, version }: DesiredChange,
  nowMs: number,
  limits: TwinLimits,
): { readonly change: TwinChange | null; readonly answer: DesiredAnswer } {
  const now = twin.desired.version;
  if (version !== undefined && version !== now)
    return { change: null, answer: { error: 'stale_version', detail: `desired has version ${now}`, version: now } };
  const desired = patched(twin.desired, patch, nowMs, limits);
  if ('error' in desired) return { change: null, answer: { ...desired, version: now } };
  if (desired === twin.desired) return { change: null, answer: { version: now } };
  const record = { ...twin, desired };
  return { change: { record, step: stepOf('desired', desired, patch, nowMs) }, answer: { version: desired.version } };
}

const stepOf = (
  document: TwinStep['document'],
  { version }: TwinDocument,
  patch: JsonObject,
  atMs: number,
): TwinStep => ({
  document,
  version,
  atMs,
  patch,
});

/** The document after the patch, one version on; the same document when nothing changed. */
function patched(before: TwinDocument, patch: unknown, nowMs: number, limits: TwinLimits): TwinDocument | PatchRefusal {
  if (!isJsonObject(patch)) return { error: 'invalid_patch', detail: 'A merge patch is an object' };
  const fault = jsonFault(patch, limits.twinMaxDepth);
  if (fault !== undefined) return faultOf(fault, limits);
  // Nothing here is led astray by it, but whoever reads the document may be.
  if (hasName(patch, '__proto__')) return { error: 'invalid_patch', detail: '"__proto__" is not taken as a name' };
  const { document, times, changed } = mergePatch(before.document, before.times, patch, nowMs);
  if (!changed) return before;
  const bytes = Buffer.byteLength(JSON.stringify(document));
  if (bytes > limits.twinMaxBytes)
    return { error: 'too_large', detail: `It would have ${bytes} bytes, more than ${limits.twinMaxBytes}` };
  return { version: before.version + 1, document, times };
}

function faultOf(fault: JsonFault, { twinMaxDepth }: TwinLimits): PatchRefusal {
  if (fault === 'too_deep') return { error: 'too_large', detail: `It is nested deeper than ${twinMaxDepth} levels` };
  if (fault === 'not_finite') return { error: 'invalid_patch', detail: 'It has a number that is not finite' };
  return { error: 'invalid_patch', detail: "It has a character that can't be stored" };
}
