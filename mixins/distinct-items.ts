import { canonicalJson } from './canonical-json.ts';

/**
 * Whether no two items are equal as JSON: 1 and 1.0 are, and so are objects whose names come in another order.
 *
 * @param textOf the same for equal items only
 */
export const allDistinct = (items: readonly unknown[], textOf = canonicalJson): boolean =>
  new Set(items.map(it => textOf(it))).size === items.length;
