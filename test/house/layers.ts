/**
 * Who may import whom: the whole house on one screen. `docs/ARCHITECTURE.md` tells the reasons.
 *
 *     contracts <- actors <- mixins <- services        contracts <- adapters <- services
 */
export type Layer = {
  /** Path prefixes (or whole names) of the files that this is about. The first layer that fits a file counts. */
  readonly files: readonly string[];
  /** Path prefixes of ours that they may import; `types` only by `import type`. */
  readonly imports: readonly string[];
  readonly types?: readonly string[];
  /** Path prefixes that `imports` would let through, and that they still may not import. */
  readonly never?: readonly string[];
  /** npm packages and `node:` modules: any, or only these. */
  readonly packages: 'any' | readonly string[];
  readonly pure?: true;
  readonly readsEnvironment?: true;
};

const EVERYTHING = [''];

export const LAYERS: readonly Layer[] = [
  { files: ['contracts/'], imports: ['contracts/'], packages: 'any' },
  // Pure: what an actor does must follow from its messages alone, so that a test is a function call.
  {
    files: ['actors/'],
    imports: ['contracts/', 'actors/'],
    packages: ['cbor-x', 'lru-cache', 'node:assert', 'node:buffer', 'node:util'],
    pure: true,
  },
  { files: ['adapters/'], imports: ['contracts/', 'adapters/'], packages: 'any' },
  { files: ['mixins/'], imports: ['contracts/', 'actors/', 'mixins/'], types: ['adapters/'], packages: 'any' },
  // The list of the services names them all; what puts a process together takes the list.
  {
    files: ['services/index.ts'],
    imports: ['contracts/', 'config.ts', 'services/'],
    types: ['actors/'],
    packages: 'any',
  },
  {
    files: ['services/run-node.ts'],
    imports: ['contracts/', 'actors/', 'adapters/', 'mixins/', 'services/', 'config.ts', 'moleculer.config.ts'],
    packages: 'any',
  },
  // Through the list a service would have all others, so it is closed to them.
  {
    files: ['services/'],
    imports: ['contracts/', 'actors/', 'adapters/', 'mixins/', 'services/', 'config.ts'],
    never: ['services/index.ts', 'services/run-node.ts'],
    packages: 'any',
  },
  { files: ['config.ts'], imports: ['contracts/'], packages: 'any', readsEnvironment: true },
  {
    files: ['main.ts'],
    imports: ['config.ts', 'package.json', 'services/run-node.ts'],
    packages: 'any',
    readsEnvironment: true,
  },
  { files: ['moleculer.config.ts'], imports: ['contracts/', 'adapters/', 'config.ts'], packages: 'any' },
  // The device side stands alone: a firmware takes the folder, and nothing of the server comes with it.
  {
    files: ['clients/device/'],
    imports: ['clients/device/'],
    packages: ['mqtt', 'node:crypto', 'node:events', 'node:fs/promises', 'node:path', 'node:sqlite', 'node:zlib'],
  },
  {
    files: ['clients/simulator/'],
    imports: ['clients/device/', 'clients/simulator/'],
    packages: 'any',
    readsEnvironment: true,
  },
  { files: ['test/', 'bench/'], imports: EVERYTHING, packages: 'any', readsEnvironment: true },
];

/** What a pure file does not say: each is a clock, a source of chance, or a way out of the process. */
export const IMPURE: readonly RegExp[] = [
  /\bDate\.now\b/,
  /\bDate\(\s*\)/,
  /\bperformance\s*\./,
  /\bMath\.random\b/,
  /\bcrypto\s*\./,
  /\bset(?:Timeout|Interval|Immediate)\b/,
  /\bprocess\s*[.?[]/,
  /\bconsole\s*\./,
  /\bfetch\s*\(/,
  /\bglobalThis\b/,
];

/** The ways to read the environment from the global `process`. */
export const ENVIRONMENT = /\bprocess\s*(?:\?\.|\.)\s*env\b|\bprocess\s*\[|\benv\b[^}]*\}\s*=\s*process\b/;
