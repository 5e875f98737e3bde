/**
 * Cursors of lists: the position after the last item, with a checksum over it and over the list that it belongs to (name,
 * tenant, filters). A changed cursor, or one of another list, is refused instead of answering something surprising. It is
 * no secret and needs none: whatever it says, each query names its caller's tenant.
 */
import { createHash } from 'node:crypto';
import { isUuid } from '../contracts/addresses.ts';
import { SkeinError } from '../contracts/errors.ts';

export type Position = readonly (string | number)[];
/** What a cursor belongs to: the list's name, the tenant, the filters. */
export type List = readonly unknown[];

const CHECK_CHARACTERS = 12;
const LONGEST = 1024;

export function cursorOf(list: List, position: Position): string {
  const text = JSON.stringify(position);
  return Buffer.from(check(list, text) + text).toString('base64url');
}

/** Whether a position is one of a list: its checksum is no secret, so anybody can make cursors. */
export type Shape = (position: readonly unknown[]) => boolean;

const POSTGRES_TEXT = /^[^\0]*$/;
const isText = (it: unknown): boolean => typeof it === 'string' && POSTGRES_TEXT.test(it) && it.isWellFormed();
const isNumber = (it: unknown): boolean => Number.isSafeInteger(it);
/** As the database gives it. */
const isOwnUuid = (it: unknown): boolean => typeof it === 'string' && isUuid(it) && it === it.toLowerCase();

/** What a statement can be asked with, at least. */
const ANY_POSITION: Shape = its => its.every(it => isText(it) || isNumber(it));
export const TEXT_POSITION: Shape = it => it.length === 1 && isText(it[0]);
export const NUMBER_POSITION: Shape = it => it.length === 1 && isNumber(it[0]);
export const UUID_POSITION: Shape = it => it.length === 1 && isOwnUuid(it[0]);
/** A time, and the id of what is from then. */
export const TIME_UUID_POSITION: Shape = it => it.length === 2 && isTime(it[0]) && UUID_POSITION(it.slice(1));
/** As PostgreSQL has transactions: 64 bits, as decimal text. */
export const TRANSACTION_POSITION: Shape = it =>
  it.length === 2 &&
  isText(it[0]) &&
  /^\d{1,20}$/.test(it[0] as string) &&
  isTransaction(it[0] as string) &&
  isNumber(it[1]);

/** In microseconds: what PostgreSQL's `timestamptz` takes, with room to spare. */
const isTime = (it: unknown): boolean => isNumber(it) && Math.abs(it as number) < 9e15;
const isTransaction = (text: string): boolean => BigInt(text) < 2n ** 64n;

/** The position in a cursor, undefined without one. Rejects with `invalid_request`. */
export function positionOf<P extends Position>(
  list: List,
  cursor: string | undefined,
  shape: Shape = ANY_POSITION,
): P | undefined {
  if (cursor === undefined) return undefined;
  const whole = cursor.length <= LONGEST ? Buffer.from(cursor, 'base64url').toString() : '';
  const text = whole.slice(CHECK_CHARACTERS);
  // Decoding skips characters that are not base64url; encoding again shows whether there were any.
  const isWhole = check(list, text) + text === whole && Buffer.from(whole).toString('base64url') === cursor;
  const position = isWhole ? parsed(text) : undefined;
  if (position === undefined || !shape(position))
    throw new SkeinError('invalid_request', 'cursor is not one that this list gave');
  return position as unknown as P;
}

/** Undefined: it is no list. */
function parsed(text: string): readonly unknown[] | undefined {
  try {
    const position: unknown = JSON.parse(text);
    return Array.isArray(position) ? position : undefined;
  } catch {
    return undefined;
  }
}

const check = (list: List, position: string): string =>
  createHash('sha256')
    .update(JSON.stringify([list, position]))
    .digest('base64url')
    .slice(0, CHECK_CHARACTERS);

/** How many items a page has. Rejects with `invalid_request`. */
export function pageSize(
  limit: number | undefined,
  limits: { readonly listDefaultItems: number; readonly listMaxItems: number },
): number {
  if (limit === undefined) return Math.min(limits.listDefaultItems, limits.listMaxItems);
  if (limit >= 1 && limit <= limits.listMaxItems) return limit;
  throw new SkeinError('invalid_request', `limit must be between 1 and ${limits.listMaxItems}`);
}

/** Cuts what a query with `LIMIT size + 1` gave to a page; the one beyond it says that there is more. */
export function pageOf<Row, Item>(
  list: List,
  rows: readonly Row[],
  size: number,
  item: (row: Row) => Item,
  position: (row: Row) => Position,
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  const more = rows.length > size && last !== undefined;
  return { items: shown.map(item), nextCursor: more ? cursorOf(list, position(last)) : null };
}
