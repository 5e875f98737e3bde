import assert from 'node:assert/strict';
import { test } from 'node:test';
import { covers, violations } from './import-directions.ts';
import { IMPURE, LAYERS } from './layers.ts';
import { readTree } from './tree.ts';

test('every import of the house runs in an allowed direction', () => {
  const tree = readTree(['.ts']);
  assert.ok(tree.has('config.ts') && tree.has('contracts/contract.ts'), 'the tree was not read');
  assert.deepEqual(violations(tree), []);
});

/** Planted violations: path, line of code, and a part of the sentence that must be said about it. */
const PLANTED: readonly [path: string, code: string, said: string][] = [
  ['contracts/a.ts', "import { host } from '../actors/host.ts';", 'contracts/ may import only contracts/'],
  ['contracts/a.ts', "import type { Database } from '../adapters/database/database.ts';", 'may import only'],
  ['contracts/a.ts', "import { readConfig } from '../config.ts';", 'may import only'],
  ['actors/a.ts', "import type { Database } from '../adapters/database/database.ts';", 'actors/ may import only'],
  ['actors/a.ts', "import { readConfig } from '../config.ts';", 'actors/ may import only'],
  ['actors/a.ts', "import { ServiceBroker } from 'moleculer';", 'actors/ may use only'],
  ['actors/a.ts', "import pg from 'pg';", 'actors/ may use only'],
  ['actors/a.ts', "import { Socket } from 'node:net';", 'actors/ may use only'],
  ['actors/a.ts', "import { request } from 'node:http';", 'actors/ may use only'],
  ['actors/a.ts', "const fs = await import('node:fs/promises');", 'actors/ may use only'],
  ['actors/a.ts', "import timers from 'node:timers/promises';", 'actors/ may use only'],
  ['actors/a.ts', "import { Worker } from 'node:worker_threads';", 'actors/ may use only'],
  ['actors/a.ts', "import { env } from 'node:process';", 'hands out the environment'],
  ['actors/a.ts', 'const nowMs = Date.now();', 'is not pure: Date.now'],
  ['actors/a.ts', 'const now = new Date();', 'is not pure: Date()'],
  ['actors/a.ts', 'const nowMs = performance.now();', 'is not pure: performance'],
  ['actors/a.ts', 'const chance = Math.random();', 'is not pure: Math.random'],
  ['actors/a.ts', 'const id = crypto.randomUUID();', 'is not pure: crypto'],
  ['actors/a.ts', 'setTimeout(() => wake(), 10);', 'is not pure: setTimeout'],
  ['actors/a.ts', 'setInterval(wake, 10);', 'is not pure: setInterval'],
  ['actors/a.ts', 'setImmediate(wake);', 'is not pure: setImmediate'],
  ['actors/a.ts', 'process.nextTick(wake);', 'is not pure: process'],
  ['actors/a.ts', "console.log('x');", 'is not pure: console'],
  ['actors/a.ts', "await fetch('http://x');", 'is not pure: fetch'],
  ['actors/a.ts', "globalThis['Date'];", 'is not pure: globalThis'],
  ['adapters/a.ts', "import { host } from '../actors/host.ts';", 'adapters/ may import only'],
  ['adapters/a.ts', "import type { Node } from '../services/node.ts';", 'adapters/ may import only'],
  ['adapters/a.ts', "import { retry } from '../mixins/retry.ts';", 'adapters/ may import only'],
  ['mixins/a.ts', "import { openDatabase } from '../adapters/database/open.ts';", 'mixins/ may import only'],
  ['mixins/a.ts', "import devices from '../services/devices.service.ts';", 'mixins/ may import only'],
  ['services/a.service.ts', "import b from './b.service.ts';", 'services never import each other'],
  ['services/a.service.ts', "import type { B } from './b.service.ts';", 'services never import each other'],
  ['services/a.service.ts', "import { route } from './b/routes.ts';", 'services never import each other'],
  ['services/a/routes.ts', "import b from '../b.service.ts';", 'services never import each other'],
  ['services/node.ts', "import a from './a.service.ts';", 'services never import each other'],
  ['services/run-node.ts', "import a from './a.service.ts';", 'services never import each other'],
  ['services/run-node.ts', "import { servers } from '../test/support/servers.ts';", 'run-node.ts may import only'],
  ['services/index.ts', "import { Host } from '../actors/runtime/host.ts';", 'index.ts may import only'],
  ['services/a.service.ts', "import { services } from './index.ts';", 'may not import services/index.ts'],
  ['services/a/routes.ts', "import { runNode } from '../run-node.ts';", 'may not import services/run-node.ts'],
  ['services/a.service.ts', "import { brokerOptions } from '../moleculer.config.ts';", 'may import only'],
  ['services/a.service.ts', "import { servers } from '../test/support/servers.ts';", 'may import only'],
  ['services/a.service.ts', "import main from '../main.ts';", 'may import only'],
  ['services/a.service.ts', 'const port = process.env.SKEIN_HTTP_PORT;', 'reads the environment'],
  ['services/a.service.ts', "const port = process['env'];", 'reads the environment'],
  ['services/a.service.ts', 'const { env } = process;', 'reads the environment'],
  ['services/a.service.ts', "import { env } from 'node:process';", 'hands out the environment'],
  ['adapters/a.ts', 'const url = process.env.DATABASE_URL;', 'reads the environment'],
  ['config.ts', "import { openDatabase } from './adapters/database/open.ts';", 'config.ts may import only'],
  ['moleculer.config.ts', "import { host } from './actors/host.ts';", 'moleculer.config.ts may import only'],
  ['moleculer.config.ts', 'const url = process.env.NATS_URL;', 'reads the environment'],
  ['main.ts', "import { servers } from './test/support/servers.ts';", 'main.ts may import only'],
  ['clients/device/a.ts', "import { LIMITS } from '../../contracts/limits.ts';", 'clients/device/ may import only'],
  ['clients/device/a.ts', "import { uuidv7 } from 'uuidv7';", 'clients/device/ may use only'],
  ['clients/device/a.ts', 'const url = process.env.SKEIN_URL;', 'reads the environment'],
  [
    'clients/simulator/a.ts',
    "import { LIMITS } from '../../contracts/limits.ts';",
    'clients/simulator/ may import only',
  ],
  ['contracts/a.ts', "import x from '../../elsewhere/x.ts';", 'outside of the project'],
  ['helpers/a.ts', 'export const a = 1;', 'is in no layer'],
];

for (const [path, code, said] of PLANTED)
  test(`planted in ${path}, this is found: ${code}`, () => {
    const found = violations(new Map([[path, `/** A file. */\n${code}\n`]]));
    assert.equal(found.length, 1, found.join('\n') || 'nothing was found');
    assert.match(found[0]!, new RegExp(`^${path}(:2)? `));
    assert.ok(found[0]!.includes(said), found[0]);
  });

test('each rule has its planted violation', () => {
  const layerOf = (path: string) => LAYERS.find(layer => covers(layer.files, path));
  const said = (words: string) => PLANTED.filter(planted => planted[2].includes(words));
  for (const layer of LAYERS.filter(it => it.imports.every(prefix => prefix !== ''))) {
    const planted = (words: string) => said(words).some(([path]) => layerOf(path) === layer);
    assert.ok(planted('may import only'), `nothing forbidden is imported by ${layer.files}`);
    assert.ok(layer.packages === 'any' || planted('may use only'), `no forbidden package is used by ${layer.files}`);
    for (const path of layer.never ?? []) assert.ok(planted(`may not import ${path}`), `${path} is never imported`);
  }
  for (const word of IMPURE)
    assert.ok(
      said('is not pure').some(it => word.test(it[1])),
      `nothing says ${word}`,
    );
});

/** The other side: what the rules must let through, so that they are no wall. */
const ALLOWED: readonly [path: string, code: string][] = [
  ['contracts/a.ts', "import { Errors } from 'moleculer';"],
  ['actors/device/a.ts', "import type { Uplink } from '../../contracts/uplinks.ts';"],
  ['actors/device/a.ts', 'const at = new Date(nowMs); // never Date.now()'],
  ['actors/runtime/a.ts', "import { LRUCache } from 'lru-cache';"],
  ['actors/runtime/a.ts', 'const process = (message) => message; process(1);'],
  ['adapters/database/a.ts', "import { Socket } from 'node:net';"],
  ['mixins/a.ts', "import type { Database } from '../adapters/database/database.ts';"],
  ['services/a.service.ts', "import type { Node } from './node.ts';"],
  ['services/a.service.ts', "import { route } from './a/routes.ts';"],
  ['services/a/routes.ts', "import { body } from './body.ts';"],
  ['services/a.service.ts', "import { openDatabase } from '../adapters/database/open.ts';"],
  ['services/a.service.ts', 'process.memoryUsage();'],
  ['services/index.ts', "import a from './a.service.ts';"],
  ['services/index.ts', "import type { Router } from '../actors/runtime/router.ts';"],
  ['services/run-node.ts', "import { services } from './index.ts';"],
  ['services/run-node.ts', "import { brokerOptions } from '../moleculer.config.ts';"],
  ['config.ts', 'export const config = process.env;'],
  ['main.ts', 'const config = readConfig(process.env);'],
  ['main.ts', "import manifest from './package.json' with { type: 'json' };"],
  ['test/a.test.ts', "import { readConfig } from '../config.ts';"],
];

for (const [path, code] of ALLOWED)
  test(`in ${path} this is allowed: ${code}`, () => {
    assert.deepEqual(violations(new Map([[path, code]])), []);
  });
