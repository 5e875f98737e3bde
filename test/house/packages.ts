/** Holds package.json and package-lock.json against each other: `npm ci` must work anywhere, and bring the same everywhere. */
import { importsOf } from './imports.ts';
import type { Tree } from './tree.ts';

export type Manifest = {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};
type Locked = Manifest & { readonly version: string; readonly resolved?: string; readonly dev?: boolean };
export type Lock = { readonly packages: Readonly<Record<string, Locked>> };

const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;

/** One sentence for each fault. */
export function packageFaults(manifest: Manifest, { packages }: Lock): string[] {
  const found: string[] = [];
  for (const kind of KINDS)
    for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
      if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) found.push(`${name} is "${version}", not one exact version`);
      const locked = packages[`node_modules/${name}`]?.version;
      if (locked !== version) found.push(`${name} is ${version}, but ${locked ?? 'missing'} in the lock`);
    }
  for (const [path, { resolved, optionalDependencies = {} }] of Object.entries(packages)) {
    // An address would bind everybody to the registry of whoever wrote the lock.
    if (resolved !== undefined) found.push(`${path} says where it was fetched: ${resolved}`);
    // What was left out for its platform must still be in the lock, or `npm ci` refuses the whole.
    for (const name of Object.keys(optionalDependencies))
      if (lookUp(packages, path, name) === undefined) found.push(`${name}, optional for ${path}, is not in the lock`);
  }
  return found;
}

/** As Node resolves: in the package's own folder, then in each folder above. */
function lookUp(packages: Lock['packages'], from: string, name: string): Locked | undefined {
  const own = packages[from === '' ? `node_modules/${name}` : `${from}/node_modules/${name}`];
  if (own !== undefined || from === '') return own;
  return lookUp(packages, from.slice(0, Math.max(from.lastIndexOf('/node_modules/'), 0)), name);
}

const RUNNING = ['contracts/', 'actors/', 'adapters/', 'mixins/', 'services/'];

/** What a running Skein imports without asking for it: another package brings it today, and need not tomorrow. */
export function unaskedPackages({ dependencies = {} }: Manifest, tree: Tree): string[] {
  const found: string[] = [];
  for (const [path, source] of tree) {
    if (path.includes('/') && !RUNNING.some(folder => path.startsWith(folder))) continue;
    for (const { specifier, typeOnly, line } of importsOf(source)) {
      const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0];
      if (specifier.startsWith('.') || specifier.startsWith('node:') || typeOnly || name in dependencies) continue;
      found.push(`${path}:${line} imports ${name}, which is not among the dependencies of package.json`);
    }
  }
  return found;
}
