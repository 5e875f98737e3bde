/** Dead letters as a transaction of a lane writes them. */
import { isUuid } from '../../contracts/addresses.ts';
import type { DeadLetter, Effects } from '../../contracts/store.ts';
import { DEAD_LETTER_SQL, REPLAYED_SQL } from './dead-letters.sql.ts';
import { NO_STEPS, type StepsOfEffects } from './steps-of-effects.ts';

type Kept = { readonly entry: number; readonly of: Effects; readonly letter: DeadLetter };

export function deadLetterSteps(effects: readonly Effects[]): StepsOfEffects {
  const kept: Kept[] = [];
  for (let entry = 0; entry < effects.length; entry++) {
    const of = effects[entry]!;
    // One that is tried again is there already.
    if (of.deadLetter !== null && of.again === undefined) kept.push({ entry, of, letter: of.deadLetter });
  }
  if (kept.length === 0) return NO_STEPS;
  const column = <T>(read: (letter: DeadLetter) => T): T[] => kept.map(one => read(one.letter));
  const params = [
    kept.map(one => one.entry),
    kept.map(one => one.of.tenantId),
    kept.map(one => one.of.deviceUid),
    column(letter => letter.id),
    column(letter => letter.deviceId),
    column(letter => letter.kind),
    column(letter => letter.topic),
    column(letter => letter.contentType),
    column(letter => letter.reason),
    column(letter => letter.detail),
    column(letter => letter.payload),
    column(letter => letter.receivedAtMs),
    column(({ unless }) => commandIdOf(unless)),
    column(({ unless }) => unless?.state ?? null),
  ];
  return {
    steps: [{ kind: 'query', sql: DEAD_LETTER_SQL, params }],
    tellNews: ([rows], news) => {
      for (const row of rows!) news[row.entry as number] = true;
    },
  };
}

/** Dead letters that were tried again and are stored with these effects, or were before. */
export function replayedSteps(effects: readonly Effects[]): StepsOfEffects {
  const replayed = effects.filter(it => it.again !== undefined && it.deadLetter === null);
  if (replayed.length === 0) return NO_STEPS;
  const params = [replayed.map(it => it.tenantId), replayed.map(it => it.again)];
  return { steps: [{ kind: 'query', sql: REPLAYED_SQL, params }] };
}

/** The id comes from a device, which may say anything: what is no UUID is the id of no command. */
const commandIdOf = (unless: DeadLetter['unless']): string | null =>
  unless !== null && isUuid(unless.commandId) ? unless.commandId : null;
