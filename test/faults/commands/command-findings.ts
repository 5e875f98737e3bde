/** What must not be, of commands: each is empty when every promise was kept. */
import { Finding } from '../ledger-comparison.ts';

export const COMMAND_RULES = {
  doubled: 'carried out twice',
  untrue: 'ended otherwise than the device did',
  foreign: 'carried out and not stored, or by a device that it was not for',
  open: 'never ended',
  lost: 'answered and not stored, or never answered',
  twoIds: 'two ids for one key',
  changed: 'told to a caller as ended, and ended otherwise',
  again: 'in mode once, and attempted more than once',
  illegal: 'with steps that may not follow each other',
  untold: 'with events that are not its steps',
  putAside: 'answered by its device as it should be, and put aside as a dead letter',
} as const;
export type CommandRule = keyof typeof COMMAND_RULES;

export class CommandFindings {
  readonly broken: Readonly<Record<CommandRule, Finding>>;
  commands = 0;
  /** How often each end was reached. */
  readonly ends: Record<string, number> = {};
  executions = 0;
  /** Attempts after the first. */
  redeliveries = 0;
  /** Of mode once with an attempt: those for which it matters. */
  sentOnce = 0;
  /** Answers to commands that had ended otherwise. */
  lateAnswers = 0;

  constructor() {
    const names = Object.keys(COMMAND_RULES) as CommandRule[];
    this.broken = Object.fromEntries(names.map(name => [name, new Finding()])) as Record<CommandRule, Finding>;
  }

  get kept(): boolean {
    return Object.values(this.broken).every(it => it.count === 0);
  }

  toString(): string {
    const ends = Object.entries(this.ends).map(([state, count]) => `${count} ${state}`);
    const { commands, executions, redeliveries, sentOnce, lateAnswers } = this;
    const summary = [
      `${commands} commands: ${ends.join(', ')}`,
      `${executions} carried out, ${redeliveries} redeliveries, ${sentOnce} sent in mode once, ${lateAnswers} answers too late`,
    ];
    const told = Object.entries(this.broken)
      .filter(([, it]) => it.count > 0)
      .map(([rule, it]) => `${it.count} ${COMMAND_RULES[rule as CommandRule]}: ${it.examples.join('; ')}`);
    return [...summary, ...told].join('\n  ');
  }

  /** The last line of a run. */
  get verdict(): string {
    const broken = Object.entries(this.broken).filter(([, it]) => it.count > 0);
    if (broken.length === 0) return `commands: ${this.commands}, nothing carried out twice`;
    const counts = broken.map(([rule, it]) => `${it.count} ${COMMAND_RULES[rule as CommandRule]}`);
    return `commands: ${this.commands}, PROMISES WERE BROKEN: ${counts.join(', ')}`;
  }
}
