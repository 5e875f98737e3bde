/** Whether no two items are equal as JSON: 1 and 1.0 are, and so are objects whose names come in another order. */
export function allDistinct(items: readonly unknown[]): boolean {
  const seen = new Set(items.map(canonical));
  return seen.size === items.length;
}

/** The same text for equal values, and for these only. */
const canonical = (value: unknown): string => JSON.stringify(value, sorted);

const sorted = (_name: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
