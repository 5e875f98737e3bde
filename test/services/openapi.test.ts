import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { action } from '../../contracts/contract.ts';
import { ERRORS } from '../../contracts/errors.ts';
import { LIMITS } from '../../contracts/limits.ts';
import { DESCRIPTIONS } from '../../services/gateway/descriptions/index.ts';
import { endpoint } from '../../services/gateway/endpoint.ts';
import { lineOf, openApiDocument, undescribed } from '../../services/gateway/openapi/document.ts';
import { ENDPOINTS, HEALTH_ENDPOINTS } from '../../services/gateway/routes.ts';
import { type AnySchema, operationsOf, schemaChecks } from './openapi-checks.ts';

const ALL = [...ENDPOINTS, ...HEALTH_ENDPOINTS];
const document = openApiDocument(ALL, LIMITS);
const operations = operationsOf(document);
const check = schemaChecks(document);
const planted = endpoint(
  'GET',
  '/planted/:id',
  action({ id: 'string' }, { needs: 'devices:read' }).returns<object>(),
  () => ({}),
  () => ({ status: 200, body: {} }),
);

test('every path is described, and nothing else is', () => {
  assert.deepEqual(undescribed(ALL), []);
  const lines = new Set<string>(ALL.map(lineOf));
  assert.deepEqual(
    Object.keys(DESCRIPTIONS).filter(line => !lines.has(line)),
    [],
  );
});

test('a path without a description is found', () => {
  assert.deepEqual(undescribed([...ALL, planted]).slice(-1), ['GET /planted/:id']);
});

test('the document is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
  assert.ok(valid, JSON.stringify(errors));
  const broken = { ...structuredClone(document), paths: { nothing: { get: { responses: 1 } } } };
  assert.equal((await new Validator().validate(broken as never)).valid, false);
});

test('each operation has a name of its own', () => {
  const ids = operations.map(it => it.operationId);
  assert.deepEqual(
    ids.filter((id, i) => ids.indexOf(id) !== i),
    [],
  );
});

test('every example fits its schema', () => {
  const faults = operations.flatMap(({ method, path, requestBody, responses }) => {
    const contents = [['body', requestBody] as const, ...Object.entries(responses)];
    return contents.flatMap(([what, it]) =>
      Object.values(it?.content ?? {}).flatMap(({ schema, example }) => {
        const fault = example === undefined ? undefined : check(schema, example);
        return fault === undefined ? [] : [`${method} ${path}, ${what}: ${fault}`];
      }),
    );
  });
  assert.deepEqual(faults, []);
});

test('an example that does not fit is found', () => {
  assert.match(check({ $ref: '#/components/schemas/Problem' }, { type: 'nothing' })!, /must be equal to one of/);
});

const hasFields = ({ properties }: AnySchema): boolean =>
  properties === undefined || Object.keys(properties).length > 0;

test('every answer and every body has an example', () => {
  const bare = operations.flatMap(({ method, path, requestBody, responses }) =>
    [requestBody, ...Object.entries(responses).flatMap(([status, it]) => (Number(status) < 300 ? [it] : []))]
      .flatMap(it => Object.values(it?.content ?? {}).slice(0, 1))
      .filter(({ schema, example }) => example === undefined && hasFields(schema))
      .map(() => `${method} ${path}`),
  );
  assert.deepEqual(bare, []);
});

test('every error of the table has an example that fits', () => {
  const examples = document.components.examples as Record<string, { value: unknown }>;
  assert.deepEqual(Object.keys(examples), Object.keys(ERRORS));
  for (const { value } of Object.values(examples))
    assert.equal(check({ $ref: '#/components/schemas/Problem' }, value), undefined);
});

test('each operation says which permission it needs, unless anybody may', () => {
  for (const it of operations) {
    const isOpen = it.security?.length === 0;
    assert.equal(it['x-permission'] === undefined, isOpen, `${it.method} ${it.path}`);
  }
  const get = operations.find(it => it.method === 'GET' && it.path === '/devices/{id}/twin')!;
  assert.equal(get['x-permission'], 'twins:read');
  assert.equal(get['x-device-scope'], 'twin:read');
});

test('what the path or a header says is in no body', () => {
  for (const { method, path, requestBody, parameters = [] } of operations) {
    const properties = Object.keys(requestBody?.content['application/json']?.schema.properties ?? {});
    if (parameters.some(it => it.name === 'If-Match')) assert.ok(!properties.includes('version'), `${method} ${path}`);
    assert.ok(!properties.includes('exists'), `${method} ${path}`);
  }
});

test('every reference leads somewhere', () => {
  const text = JSON.stringify(document);
  for (const [, ref] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    const found = ref!.split('/').reduce<unknown>((at, name) => (at as Record<string, unknown>)?.[name], document);
    assert.notEqual(found, undefined, ref);
  }
});
