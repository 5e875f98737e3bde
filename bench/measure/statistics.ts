/** Smallest, middle and largest of some figures: with few runs, the honest way to show their spread. */
export type Spread = { readonly min: number; readonly median: number; readonly max: number };

/** Rejects an empty list, which has none of the three. */
export function spread(figures: readonly number[]): Spread {
  if (figures.length === 0) throw new RangeError('The spread of no figures');
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {
    min: sorted[0]!,
    median: (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2,
    max: sorted.at(-1)!,
  };
}

/** The slope of the least-squares line through the points: how much y grows for each x. */
export function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const meanX = points.reduce((sum, p) => sum + p.x, 0) / points.length;
  const meanY = points.reduce((sum, p) => sum + p.y, 0) / points.length;
  const spreadX = points.reduce((sum, p) => sum + (p.x - meanX) ** 2, 0);
  return spreadX === 0 ? 0 : points.reduce((sum, p) => sum + (p.x - meanX) * (p.y - meanY), 0) / spreadX;
}
