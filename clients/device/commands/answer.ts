/** What a device answers to a command. */
export type AnswerStatus = 'accepted' | 'succeeded' | 'failed' | 'rejected' | 'unknown';
export type Answer = {
  readonly status: Exclude<AnswerStatus, 'accepted'>;
  readonly result?: unknown;
  /** Why not, in words or as the handler says it. */
  readonly error?: unknown;
};

export const ANSWERS = {
  unknownCommand: { status: 'rejected', error: 'unknown_command' },
  deadlinePassed: { status: 'rejected', error: 'deadline_passed' },
  interrupted: { status: 'unknown', error: 'interrupted' },
} as const satisfies Record<string, Answer>;

type Acceptance = { readonly status: 'accepted'; readonly result?: undefined; readonly error?: undefined };
export type Acknowledgement = Answer | Acceptance;

export const acknowledgementOf = (id: string, { status, result, error }: Acknowledgement): Buffer =>
  Buffer.from(JSON.stringify({ id, status, result, error }));

/** The key in the spool: a command has one answer of each status. */
export const keyOf = (id: string, status: AnswerStatus): string => `${status} ${id}`;
export function idIn(key: string): { readonly id: string; readonly isFinal: boolean } {
  const space = key.indexOf(' ');
  return { id: key.slice(space + 1), isFinal: key.slice(0, space) !== 'accepted' };
}
