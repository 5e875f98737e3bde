/** Finds what a TypeScript file imports, without a parser: the forms of import are few and the formatter keeps them tidy. */

export type Import = {
  readonly specifier: string;
  /** `import type`, `export type`, or `import('x').T` in a type: gone at run time. */
  readonly typeOnly: boolean;
  readonly line: number;
};

/**
 * Comments, quoted strings, templates and regular expressions, whichever begins first. A `/` begins a regular expression
 * when what stands before it can't be the left side of a division.
 */
const LEXEMES =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=(?:^|[=(,:;!&|?{}[\n]|=>|\breturn)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** The source with comments as spaces: lines and columns stay what they were. */
export const withoutComments = (source: string): string =>
  source.replace(LEXEMES, lexeme => (/^\/[/*]/.test(lexeme) ? blank(lexeme) : lexeme));

/** Without comments, quoted strings and regular expressions. Templates stay: they have code in them. */
export const codeOnly = (source: string): string =>
  source.replace(LEXEMES, lexeme => (lexeme.startsWith('`') ? lexeme : blank(lexeme)));

const STATEMENT = /^[ \t]*(?:import|export)\b([^'"`;=]*?)\bfrom\s*['"]([^'"\n]+)['"]/gm;
const BARE = /^[ \t]*import\s*['"]([^'"\n]+)['"]/gm;
const CALL = /\b(?:import|require|getBuiltinModule)\s*\(\s*['"`]([^'"`\n]+)['"`]/g;
/** After `typeof`, `:`, `|`, `&`, `<`, `,` an import with a property behind it is a type: `x: import('y').Z`. */
const TYPE_CALL = /(?:typeof|[:|&<])\s*$/;

/** In the order of the lines. */
export function importsOf(source: string): Import[] {
  const text = withoutComments(source);
  const lineOf = (index: number): number => text.slice(0, index).split('\n').length;
  const found: Import[] = [];
  const add = (index: number, specifier: string, typeOnly: boolean): void => {
    found.push({ specifier, typeOnly, line: lineOf(index) });
  };
  for (const m of text.matchAll(STATEMENT)) add(m.index, m[2]!, isTypeClause(m[1]!));
  for (const m of text.matchAll(BARE)) add(m.index, m[1]!, false);
  for (const m of text.matchAll(CALL)) {
    const after = text.slice(m.index + m[0].length);
    add(m.index, m[1]!, TYPE_CALL.test(text.slice(0, m.index)) && /^\s*\)\s*\.\s*[A-Z]/.test(after));
  }
  return found.sort((a, b) => a.line - b.line);
}

/** `type { A }`, `type A`, or `{ type A, type B }`: nothing of it is left at run time (with `verbatimModuleSyntax`, no name). */
function isTypeClause(clause: string): boolean {
  const text = clause.trim();
  if (/^type\b(?!\s*,)/.test(text)) return true;
  const names = /^\{([\s\S]*)\}$/
    .exec(text)?.[1]
    ?.split(',')
    .map(name => name.trim());
  const given = names?.filter(name => name !== '') ?? [];
  return given.length > 0 && given.every(name => name.startsWith('type '));
}
