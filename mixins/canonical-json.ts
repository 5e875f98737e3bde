/** The same text for values that are equal as JSON, and for these only: the order of names says nothing, nor does 1 written as 1.0. */
export const canonicalJson = (value: unknown): string => JSON.stringify(value, sorted) ?? '';

const sorted = (_name: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
