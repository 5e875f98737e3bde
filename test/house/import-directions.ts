/** Holds a tree of files against the layers of the house. */
import { posix } from 'node:path';
import { codeOnly, type Import, importsOf } from './imports.ts';
import { ENVIRONMENT, IMPURE, LAYERS, type Layer } from './layers.ts';
import type { Tree } from './tree.ts';

/** One sentence for each violation, with file and line. Empty when all is well. */
export function violations(tree: Tree): string[] {
  const found: string[] = [];
  for (const [path, source] of tree) {
    const layer = LAYERS.find(it => covers(it.files, path));
    if (layer === undefined) {
      found.push(`${path} is in no layer: give it a place in test/house/layers.ts`);
      continue;
    }
    for (const it of importsOf(source)) {
      const fault = faultOf(path, layer, it);
      if (fault !== undefined) found.push(`${path}:${it.line} imports '${it.specifier}': ${fault}`);
    }
    found.push(...wordsOf(path, layer, source));
  }
  return found;
}

export const covers = (prefixes: readonly string[], path: string): boolean =>
  prefixes.some(prefix => (prefix.endsWith('/') || prefix === '' ? path.startsWith(prefix) : path === prefix));

function faultOf(path: string, layer: Layer, it: Import): string | undefined {
  if (!it.specifier.startsWith('.')) return packageFault(layer, it);
  const target = posix.join(posix.dirname(path), it.specifier);
  if (target.startsWith('..')) return 'it lies outside of the project';
  const allowed = it.typeOnly ? [...layer.imports, ...(layer.types ?? [])] : layer.imports;
  if (!covers(allowed, target)) return `${layer.files.join(', ')} may import only ${allowed.join(', ')}`;
  if (covers(layer.never ?? [], target)) return `${layer.files.join(', ')} may not import ${target}`;
  const [owner, other] = [serviceOf(path), serviceOf(target)];
  if (owner !== other && other !== undefined && path !== 'services/index.ts' && path.startsWith('services/'))
    return 'services never import each other: call through a contract';
  return undefined;
}

function packageFault(layer: Layer, it: Import): string | undefined {
  if (it.specifier === 'process' || it.specifier === 'node:process')
    return layer.readsEnvironment ? undefined : 'it hands out the environment: config.ts reads that';
  if (layer.packages === 'any' || layer.packages.includes(it.specifier)) return undefined;
  return `${layer.files.join(', ')} may use only ${layer.packages.join(', ')}`;
}

/** `services/mqtt.service.ts` and all below `services/mqtt/` belong to `mqtt`; `services/node.ts` to nobody. */
const serviceOf = (path: string): string | undefined => /^services\/([^/]+?)(?:\.service\.ts$|\/)/.exec(path)?.[1];

function wordsOf(path: string, layer: Layer, source: string): string[] {
  const found: string[] = [];
  codeOnly(source)
    .split('\n')
    .forEach((line, index) => {
      const impure = layer.pure ? IMPURE.find(word => word.test(line)) : undefined;
      if (impure !== undefined) found.push(`${path}:${index + 1} is not pure: ${impure.exec(line)![0]}`);
      if (!layer.readsEnvironment && ENVIRONMENT.test(line))
        found.push(`${path}:${index + 1} reads the environment: only config.ts does`);
    });
  return found;
}
