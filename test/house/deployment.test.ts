import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { ConfigError, readConfig } from '../../config.ts';
import { importsOf } from './imports.ts';
import { ROOT, readTree, type Tree } from './tree.ts';

const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

/** The files and folders of the root that a running Skein needs: all that `main.ts` leads to. */
function needed(tree: Tree, entry = 'main.ts'): string[] {
  const reached = new Set<string>();
  const follow = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { specifier, typeOnly } of importsOf(tree.get(path) ?? ''))
      if (specifier.startsWith('.') && !typeOnly) follow(posix.join(posix.dirname(path), specifier));
  };
  follow(entry);
  return [...new Set([...reached].map(path => path.split('/')[0]!))].sort();
}

/** One sentence for each thing that the image would lack. */
function lacking(names: readonly string[], dockerfile: string, dockerignore: string): string[] {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(line => line[1]!.split(' '));
  const letIn = dockerignore.split('\n');
  return [
    ...names.filter(name => !copied.includes(name)).map(name => `the Dockerfile does not copy ${name}`),
    ...copied.filter(name => !letIn.includes(`!${name}`)).map(name => `.dockerignore keeps ${name} out`),
  ];
}

test('the image has everything that the process imports', () => {
  const names = needed(readTree(['.ts']));
  assert.ok(names.includes('services') && names.includes('package.json'), `only ${names} was found`);
  assert.deepEqual(lacking(names, read('Dockerfile'), read('.dockerignore')), []);
});

test('what the image lacks is found', () => {
  const tree = new Map([
    ['main.ts', "import './services/a.ts';\nimport type { T } from './types/t.ts';"],
    ['services/a.ts', "await import('../adapters/b.ts');"],
    ['adapters/b.ts', ''],
  ]);
  assert.deepEqual(needed(tree), ['adapters', 'main.ts', 'services']);
  assert.deepEqual(lacking(needed(tree), 'COPY main.ts ./\nCOPY services services\n', '*\n!main.ts\n'), [
    'the Dockerfile does not copy adapters',
    '.dockerignore keeps services out',
  ]);
});

/** The variables that begin with `SKEIN_` in a text, and that Skein would refuse. */
const unknownSettings = (text: string): string[] =>
  [...new Set(text.match(/\bSKEIN_[A-Z0-9_]*[A-Z0-9]\b/g))].filter(name => {
    try {
      readConfig({ [name]: '' });
      return false;
    } catch (error) {
      return error instanceof ConfigError;
    }
  });

test('every setting that a document or a deployment file names is one', () => {
  const texts = [...readTree(['.md', 'Dockerfile', '.yml', '.yaml', '.cfg', '.example'])];
  assert.ok(
    texts.some(([path]) => path === 'docker-compose.yml') && texts.some(([path]) => path.endsWith('deployment.yaml')),
  );
  const found = texts.flatMap(([path, text]) => unknownSettings(text).map(name => `${path} names ${name}`));
  assert.deepEqual(found, []);
  assert.deepEqual(unknownSettings('SKEIN_HTTP_PORT=1 SKEIN_HTTP_PROT=1 SKEIN_LIMIT_LANES'), ['SKEIN_HTTP_PROT']);
});

/** The names that differ between what the compose file asks for and what the example of its settings has. */
function settingsApart(compose: string, example: string): string[] {
  const asked = new Set([...compose.matchAll(/\$\{([A-Z_]+)/g)].map(m => m[1]!));
  const given = new Set([...example.matchAll(/^#?([A-Z_]+)=/gm)].map(m => m[1]!));
  return [...asked.symmetricDifference(given)].sort();
}

test('the example of the settings has what the compose file asks for, and no password', () => {
  const [compose, example] = [read('docker-compose.yml'), read('.env.example')];
  assert.deepEqual(settingsApart(compose, example), []);
  assert.match(example, /^POSTGRES_PASSWORD=$/m);
  assert.deepEqual(settingsApart(`${compose} \${OTHER}`, `${example}\n#MORE=1\n`), ['MORE', 'OTHER']);
});
