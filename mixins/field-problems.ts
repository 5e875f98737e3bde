/** What the validator found, in our words. */
export type FieldProblem = { readonly field: string; readonly detail: string };

type Finding = { type?: string; field?: string; expected?: unknown; actual?: unknown };

const WORDS: Readonly<Record<string, (finding: Finding) => string>> = {
  required: () => 'is missing',
  string: () => 'must be a text',
  stringMin: it => `must have at least ${it.expected} characters`,
  stringMax: it => `must have at most ${it.expected} characters`,
  stringEmpty: () => 'must not be empty',
  number: () => 'must be a number',
  numberInteger: () => 'must be a whole number',
  numberMin: it => `must be at least ${it.expected}`,
  numberMax: it => `must be at most ${it.expected}`,
  boolean: () => 'must be true or false',
  array: () => 'must be a list',
  arrayMax: it => `must have at most ${it.expected} items`,
  object: () => 'must be an object',
  enumValue: it => `must be one of ${it.expected}`,
  objectStrict: () => 'is not known here',
};

const MOST = 20;
const NAME_MAX_LENGTH = 100;

export function fieldProblems(findings: unknown): FieldProblem[] {
  if (!Array.isArray(findings)) return [{ field: 'the request', detail: 'is not valid' }];
  return (findings as Finding[])
    .flatMap(finding => namesIn(finding).map(field => ({ field, detail: wordsFor(finding) })))
    .slice(0, MOST);
}

const wordsFor = (finding: Finding): string => WORDS[finding.type ?? '']?.(finding) ?? 'is not valid';

/** Unknown parameters come all in one finding. */
function namesIn({ type, field, actual }: Finding): string[] {
  const names = type === 'objectStrict' ? String(actual).split(', ') : [field || 'the body'];
  return names.map(name => name.slice(0, NAME_MAX_LENGTH));
}

/** What a command's schema found in its parameters; undefined: nothing like that was found. */
export function parameterProblems(data: unknown): FieldProblem[] | undefined {
  const { problems } = (data ?? {}) as { problems?: readonly { path: string; message: string }[] };
  return problems?.map(({ path, message }) => ({ field: `parameters${path}`, detail: message }));
}
