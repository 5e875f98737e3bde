/** One path and method of the OpenAPI document. */
import type { Access } from '../../../contracts/contract.ts';
import type { AnswerDescription, Description, Schema } from '../descriptions/description.ts';
import type { Endpoint } from '../endpoint.ts';
import { openApiPath, parametersOf, rulesLeft } from './parameters.ts';
import { errorsOf, problemsOf } from './problems.ts';
import { schemaOfRules } from './schema-of-rule.ts';

export function operationOf(endpoint: Endpoint, description: Description): Record<string, unknown> {
  const { access, isPublic, takesBody } = endpoint;
  const parameters = parametersOf(endpoint, description);
  const text = [description.description, accessText(access)].filter(Boolean).join('\n\n');
  return {
    operationId: operationId(endpoint),
    tags: [description.tag],
    summary: description.summary,
    description: text,
    ...(isPublic ? { security: [] } : {}),
    ...(typeof access.needs === 'object' || !isPublic ? { 'x-permission': access.needs } : {}),
    ...(access.device !== undefined && { 'x-device-scope': access.device }),
    ...(parameters.length > 0 && { parameters }),
    ...(takesBody !== false && { requestBody: bodyOf(endpoint, description) }),
    responses: { ...answersOf(description), ...problemsOf(errorsOf(endpoint, description)) },
  };
}

/** `GET /devices/:id/twin` -> `getDevicesIdTwin`. */
function operationId({ method, path }: Endpoint): string {
  const words = openApiPath(path).match(/\w+/g) ?? [];
  return method.toLowerCase() + words.map(word => word[0]!.toUpperCase() + word.slice(1)).join('');
}

function accessText({ needs, device, of }: Access): string {
  if (needs === 'anyone') return 'Nobody has to say who it is.';
  const said: string[] = [];
  if (needs === 'signed-in') said.push('Every person and program may.');
  else if (needs !== 'nobody') said.push(`Needs the permission ${quoted(needs)}.`);
  if (device !== undefined) {
    const about = of === undefined || of === 'nothing' ? '' : ', about itself only';
    said.push(`A device may${device === 'any' ? '' : `, with the scope \`${device}\``}${about}.`);
  }
  return said.join(' ');
}
const quoted = (needs: string | readonly string[]): string =>
  (typeof needs === 'string' ? [needs] : needs).map(it => `\`${it}\``).join(' or ');

function bodyOf(endpoint: Endpoint, description: Description): Record<string, unknown> {
  const { takesBody, upload } = endpoint;
  const { body, bodyExample } = description;
  const made = () => (upload === undefined ? schemaOfRules(rulesLeft(endpoint, description)) : { type: 'string' });
  const types = upload?.types ?? ['application/json'];
  return { required: takesBody === true, content: contentOf(types, body ?? made(), bodyExample) };
}

const answersOf = ({ answers }: Description): Record<string, unknown> =>
  Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerOf(Number(status), answer)]));

const MEANING: { readonly [status: number]: string } = {
  200: 'Done',
  201: 'Made',
  202: 'Taken: it goes on',
  204: 'Done, and there is nothing to say',
  503: 'It can not work just now',
};

function answerOf(status: number, { schema, example, headers = [], contentType }: AnswerDescription) {
  const names = ['X-Request-Id', ...headers];
  return {
    description: MEANING[status] ?? 'The answer',
    headers: Object.fromEntries(names.map(name => [name, { $ref: `#/components/headers/${name}` }])),
    ...(status !== 204 && { content: contentOf([contentType ?? 'application/json'].flat(), schema, example) }),
  };
}

const contentOf = (types: readonly string[], schema: Schema, example: unknown) =>
  Object.fromEntries(types.map((type, i) => [type, { schema, ...(i === 0 && example !== undefined && { example }) }]));
