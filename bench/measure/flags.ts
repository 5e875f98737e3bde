/** What a benchmark can be told on the command line: whole numbers and texts, each with a default. */
import { parseArgs } from 'node:util';

export type Flags = Readonly<Record<string, number | string>>;
type Widened<F extends Flags> = { readonly [K in keyof F]: F[K] extends number ? number : string };

/** Reads `--name value` for each of the defaults. Throws for an unknown flag, or a number that is none. */
export function readFlags<const F extends Flags>(args: readonly string[], defaults: F): Widened<F> {
  const options = Object.fromEntries(Object.keys(defaults).map(name => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ args: [...args], options, allowPositionals: false });
  const entries = Object.entries(defaults).map(([name, fallback]) => {
    const text = values[name] as string | undefined;
    if (text === undefined || typeof fallback === 'string') return [name, text ?? fallback];
    if (!/^\d+$/.test(text)) throw new RangeError(`--${name} is "${text}", but must be a whole number`);
    return [name, Number(text)];
  });
  return Object.fromEntries(entries) as Widened<F>;
}

/** The same; with `--short` among them what is not said is taken from `short`, which shows that it works and measures little. */
export function readFlagsOrShort<const F extends Flags>(
  args: readonly string[],
  defaults: F,
  short: Partial<Widened<F>>,
): Widened<F> {
  const rest = args.filter(it => it !== '--short');
  return readFlags(rest, rest.length < args.length ? { ...defaults, ...short } : defaults) as Widened<F>;
}
