/** The CPU that processes use while something is done. */

/** @param used for each of them, the seconds that it used so far */
export async function cpuDuring<T, K extends string>(
  used: Readonly<Record<K, () => number>>,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpuSeconds: Readonly<Record<K, number>> }> {
  const look = () => Object.entries<() => number>(used).map(([name, it]) => [name, it()] as const);
  const before = new Map(look());
  const result = await work();
  const spent = look().map(([name, seconds]) => [name, seconds - before.get(name)!]);
  return { result, cpuSeconds: Object.fromEntries(spent) as Record<K, number> };
}
