/**
 * JSON Merge Patch (RFC 7396) on documents that remember when each of their leaves got its value. Nothing that is handed in is
 * changed, and what stays the same is shared. Names are taken from objects as their own ones only, and put into new objects by
 * `Object.fromEntries`, which defines them: a name like `__proto__` is then a name like any other.
 */
import { isJsonObject, type JsonObject } from '../../contracts/json.ts';
import type { LeafTimes } from '../../contracts/twins.ts';

export type Merged = { readonly document: JsonObject; readonly times: LeafTimes; readonly changed: boolean };

const EMPTY = Object.freeze({});

/**
 * The document after the patch: objects are merged, null removes, everything else (an array too) is replaced whole. A leaf that gets the
 * value that it has keeps its time.
 */
export function mergePatch(document: JsonObject, times: LeafTimes, patch: JsonObject, nowMs: number): Merged {
  const members = new Map(Object.entries(document));
  const moments = new Map(Object.entries(times));
  let changed = false;
  for (const [name, given] of Object.entries(patch)) {
    const known = members.get(name);
    if (given === null) {
      changed = members.delete(name) || changed;
      moments.delete(name);
    } else if (isJsonObject(given)) {
      const isMerge = isJsonObject(known);
      const inner = isMerge
        ? mergePatch(known, moments.get(name) as LeafTimes, given, nowMs)
        : mergePatch(EMPTY, EMPTY, given, nowMs);
      if (isMerge && !inner.changed) continue;
      members.set(name, inner.document);
      moments.set(name, inner.times);
      changed = true;
    } else if (!members.has(name) || !isSame(known, given)) {
      members.set(name, given);
      moments.set(name, nowMs);
      changed = true;
    }
  }
  if (!changed) return { document, times, changed };
  return { document: Object.fromEntries(members), times: Object.fromEntries(moments), changed };
}

/** The merge patch that brings all of `desired` into `reported`: what differs, and nothing else. It removes nothing. */
export function delta(desired: JsonObject, reported: JsonObject): JsonObject {
  const differing: [string, unknown][] = [];
  for (const [name, wanted] of Object.entries(desired)) {
    const is = Object.hasOwn(reported, name) ? reported[name] : undefined;
    if (isJsonObject(wanted) && isJsonObject(is)) {
      const inner = delta(wanted, is);
      if (Object.keys(inner).length > 0) differing.push([name, inner]);
    } else if (!isSame(wanted, is)) differing.push([name, wanted]);
  }
  return Object.fromEntries(differing);
}

/** Whether two values are equal as JSON. The order of names does not count: a database gives it back in another one. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one))
    return Array.isArray(other) && one.length === other.length && one.every((inner, i) => isSame(inner, other[i]));
  if (!isJsonObject(one) || !isJsonObject(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every(name => Object.hasOwn(other, name) && isSame(one[name], other[name]))
  );
}
