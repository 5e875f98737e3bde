/** What tests ask of the OpenAPI document: schemas that refer into it, compiled. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { OpenApi } from '../../services/gateway/openapi/document.ts';

export type Operation = {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Contents };
  readonly responses: { readonly [status: string]: { readonly $ref?: string; readonly content?: Contents } };
  readonly 'x-permission'?: string | readonly string[];
  readonly 'x-device-scope'?: string;
};
// biome-ignore lint/suspicious/noExplicitAny: a schema is any JSON
export type AnySchema = any;
export type Parameter = { readonly name: string; readonly in: 'path' | 'query' | 'header'; readonly schema: AnySchema };
type Contents = { readonly [type: string]: { readonly schema: AnySchema; readonly example?: unknown } };

const pointer = (ref: string): string[] => ref.replace(/^#\//, '').split('/');

/** What a reference leads to. */
export const resolved = <T>(document: OpenApi, it: T & { readonly $ref?: string }): T =>
  it.$ref === undefined ? it : (pointer(it.$ref).reduce((at: AnySchema, name) => at[name], document) as T);

export const operationsOf = (document: OpenApi): Operation[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, it]) => {
      const operation = it as unknown as Operation;
      const parameters = (operation.parameters ?? []).map(parameter => resolved(document, parameter));
      return { ...operation, method: method.toUpperCase(), path, parameters };
    }),
  );

/** Answers what is wrong with a value, as a sentence; undefined: it fits. */
export type Check = (schema: AnySchema, value: unknown) => string | undefined;

export function schemaChecks(document: OpenApi): Check {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  (formats as unknown as (ajv: Ajv2020) => void)(ajv);
  ajv.addSchema({ $id: 'skein:/', components: document.components } as object);
  const compiled = new Map<string, ValidateFunction>();
  return (schema, value) => {
    const text = JSON.stringify(schema).replaceAll('"#/components/', '"skein:/#/components/');
    const validate = compiled.get(text) ?? ajv.compile(JSON.parse(text));
    compiled.set(text, validate);
    return validate(value)
      ? undefined
      : `${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)?.slice(0, 400)}`;
  };
}

/** What is wrong with a real answer to an operation; undefined: the document says that it may be so. */
export function answerFault(
  document: OpenApi,
  check: Check,
  operation: Operation,
  answer: { readonly status: number; readonly headers: Headers; readonly body: unknown },
): string | undefined {
  const said = operation.responses[answer.status];
  if (said === undefined) return `${answer.status} is not documented: ${JSON.stringify(answer.body)}`;
  const { content } = resolved(document, said);
  const type = answer.headers.get('content-type');
  if (content === undefined) return type === null ? undefined : `${type}, but nothing is documented`;
  const schema = (content[type ?? ''] ?? content[type?.split(';')[0] ?? ''])?.schema;
  return schema === undefined ? `${type} is not documented` : check(schema, answer.body);
}
