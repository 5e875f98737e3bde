/** Patterns that strangers write, matched in a time that only grows with the text: RE2 neither backtracks nor looks around. */
import { RE2JS } from 're2js';
import { takeSteps } from './schema-work.ts';

/** Instructions of a compiled pattern. The time for a text is at worst their number times its length. */
const PROGRAM_MAX_SIZE = 500;
const PATTERN_MAX_LENGTH = 1_000;
/** What a pattern remembers of the texts that it saw, to be quick. Without a bound of ours it would be up to 8 MiB for each. */
export const PATTERN_MEMORY_BYTES = 64 * 1024;
/** Of beginning with a text, however short. */
const STEPS_OF_CALL = 20;

export type SafePattern = { test(text: string): boolean; toString(): string; readonly programSize: number };

/** Takes what ECMAScript and RE2 have in common. Throws an Error that says why not. */
export function safePattern(source: string): SafePattern {
  if (source.length > PATTERN_MAX_LENGTH) throw new Error(`a pattern has more than ${PATTERN_MAX_LENGTH} characters`);
  const compiled = RE2JS.compile(RE2JS.translateRegExp(source));
  const programSize = compiled.programSize();
  if (programSize > PROGRAM_MAX_SIZE) throw new Error(`the pattern ${source.slice(0, 100)} is too complex`);
  const { dfa } = compiled.re2();
  dfa.stateBudget = PATTERN_MEMORY_BYTES;
  dfa.memBudget = PATTERN_MEMORY_BYTES;
  return {
    programSize,
    test: text => {
      takeSteps(STEPS_OF_CALL + programSize * text.length);
      return compiled.test(text);
    },
    // A compiled schema knows its patterns by this.
    toString: () => source,
  };
}
