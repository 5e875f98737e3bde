import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandState, CommandTransition } from '../../../contracts/commands.ts';
import { type Account, executionsIn, type StoredCommand } from './command-account.ts';
import { compareCommands } from './command-comparison.ts';
import type { CommandRule } from './command-findings.ts';
import { pathFault } from './command-path.ts';

/** `sent1`: the state, and the attempt when it changes. `sent1-`: the one after it certainly never left. */
function steps(...told: string[]): CommandTransition[] {
  let attempt = 0;
  return told.map((text, i) => {
    const [, state, number] = /^([a-z]+)(\d*)-?$/.exec(text)!;
    if (number !== '') attempt = Number(number);
    return { state: state as CommandState, atMs: 1_000 + i, attempt, reason: text.endsWith('-') ? 'gone' : null };
  });
}

function command(id: string, told: string[], more: Partial<StoredCommand> = {}): StoredCommand {
  const transitions = steps(...told);
  const { state, attempt } = transitions.at(-1)!;
  const base = { id, deviceId: 'd1', mode: 'retry', idempotencyKey: `key of ${id}` } as const;
  return { ...base, state, attempt, transitions, events: transitions, ...more };
}

const IN_ORDER: Account = {
  transitionsMax: 64,
  commands: [
    command('done', ['queued', 'sent1', 'delivered', 'succeeded']),
    command('again', ['queued', 'sent1', 'sent2', 'delivered', 'delivered', 'failed']),
    command('back', ['queued', 'sent1', 'queued0-', 'sent1', 'succeeded'], { mode: 'once', deviceId: 'p1' }),
    command('dead', ['queued', 'sent1', 'unknown'], { mode: 'once', deviceId: 'p1' }),
    command('nobody', ['queued', 'sent1', 'unknown']),
    command('refused', ['queued', 'sent1', 'rejected']),
    command('late', ['queued', 'sent1', 'queued0-', 'expired']),
    command('gone', ['queued', 'cancelled']),
    command('old', ['queued', 'superseded']),
  ],
  ledgers: [
    { deviceId: 'd1', kind: 'library', executions: executionsIn('done 1\nagain 2\n') },
    { deviceId: 'p1', kind: 'plain', executions: executionsIn('back 1\ndead 1\n') },
  ],
  deadLetters: [{ deviceId: 'p1', reason: 'command_not_open', id: 'dead', status: 'succeeded' }],
  asked: [
    { key: 'key of done', answers: [{ id: 'done', state: 'queued' }] },
    { key: 'key of gone', answers: ['sent', 'cancelled'].map(state => ({ id: 'gone', state: state as CommandState })) },
  ],
};

const withDeadLetter = (id: string | undefined, status: string, more = {}): Account => ({
  ...IN_ORDER,
  deadLetters: [{ deviceId: 'd1', reason: 'command_not_open', id, status, ...more }],
});
const rules = (account: Account): CommandRule[] => {
  const { broken } = compareCommands(account);
  return Object.entries(broken).flatMap(([rule, { count }]) => (count > 0 ? [rule as CommandRule] : []));
};
const withCommand = (changed: StoredCommand): Account => ({
  ...IN_ORDER,
  commands: IN_ORDER.commands.map(it => (it.id === changed.id ? changed : it)),
});
const withExecutions = (deviceId: string, text: string): Account => ({
  ...IN_ORDER,
  ledgers: IN_ORDER.ledgers.map(it => (it.deviceId === deviceId ? { ...it, executions: executionsIn(text) } : it)),
});
const withAnswers = (key: string, ...answers: [id: string, state: CommandState][]): Account => ({
  ...IN_ORDER,
  asked: [...IN_ORDER.asked, { key, answers: answers.map(([id, state]) => ({ id, state })) }],
});

test('what is in order is found to be in order, and counted', () => {
  const findings = compareCommands(IN_ORDER);
  assert.deepEqual(rules(IN_ORDER), [], String(findings));
  assert.deepEqual([findings.commands, findings.executions, findings.redeliveries, findings.sentOnce], [9, 4, 1, 2]);
  assert.equal(findings.lateAnswers, 1);
  assert.deepEqual(findings.ends, {
    succeeded: 2,
    failed: 1,
    unknown: 2,
    rejected: 1,
    expired: 1,
    cancelled: 1,
    superseded: 1,
  });
  assert.equal(findings.verdict, 'commands: 9, nothing carried out twice');
});

const LONG = ['queued', ...Array.from({ length: 80 }, (_, i) => `sent${i + 1}`), 'succeeded'];
const long = (kept: (all: CommandTransition[]) => CommandTransition[]) => {
  const events = steps(...LONG);
  return withCommand({ ...command('done', LONG), transitions: kept(events), events });
};

test('of a command with very many steps the first and the newest are compared', () => {
  assert.deepEqual(rules(long(all => [all[0]!, ...all.slice(-63)])), []);
  assert.deepEqual(rules(long(all => all.slice(-64))), ['untold']);
  assert.deepEqual(rules(long(all => all)), ['untold']);
});

const PLANTED: Record<string, [account: Account, found: CommandRule[]]> = {
  'carried out twice by one device': [withExecutions('d1', 'done 1\nagain 1\nagain 2\n'), ['doubled']],
  'carried out twice in mode once, by a device that remembers nothing': [
    withExecutions('p1', 'back 1\ndead 1\ndead 1\n'),
    ['doubled'],
  ],
  'carried out by two devices': [withExecutions('p1', 'back 1\ndead 1\ndone 1\n'), ['doubled', 'foreign']],
  'carried out by another device': [
    withCommand(command('dead', ['queued', 'sent1', 'unknown'], { deviceId: 'd1', mode: 'once' })),
    // So is its answer.
    ['foreign', 'putAside'],
  ],
  'carried out, and never asked for': [withExecutions('d1', 'done 1\nagain 2\nx 1\n'), ['foreign']],
  'succeeded, and not carried out': [withExecutions('d1', 'again 2\n'), ['untrue']],
  'failed, and not carried out': [withExecutions('d1', 'done 1\n'), ['untrue']],
  ...Object.fromEntries(
    ['refused', 'late', 'gone', 'old'].map(id => [
      `${id}, and carried out`,
      [withExecutions('d1', `done 1\nagain 2\n${id} 0\n`), ['untrue']] as [Account, CommandRule[]],
    ]),
  ),
  'carried out by an attempt that was never counted': [withExecutions('d1', 'done 2\nagain 2\n'), ['untrue']],
  'still open': [withCommand(command('nobody', ['queued', 'sent1', 'delivered'])), ['open']],
  'sent twice in mode once': [
    withCommand(command('dead', ['queued', 'sent1', 'sent2', 'unknown'], { mode: 'once', deviceId: 'p1' })),
    ['again', 'illegal'],
  ],
  'a step after the end': [withCommand(command('nobody', ['queued', 'sent1', 'unknown', 'unknown'])), ['illegal']],
  'another state than its last step': [
    withCommand({ ...command('nobody', ['queued', 'sent1', 'unknown']), state: 'failed', deviceId: 'd1' }),
    ['untrue', 'illegal'],
  ],
  'a step without its event': [
    withCommand({
      ...command('done', ['queued', 'sent1', 'delivered', 'succeeded']),
      events: steps('queued', 'sent1', 'succeeded'),
    }),
    ['untold'],
  ],
  'an event twice': [
    withCommand({
      ...command('done', ['queued', 'sent1', 'delivered', 'succeeded']),
      events: steps('queued', 'sent1', 'delivered', 'delivered', 'succeeded'),
    }),
    ['untold'],
  ],
  'two answers with two ids': [withAnswers('key of again', ['again', 'sent'], ['other', 'sent']), ['lost', 'twoIds']],
  'an answer, and another command stored': [withAnswers('key of again', ['other', 'sent']), ['lost', 'twoIds']],
  'an answer, and nothing stored': [withAnswers('a key', ['nowhere', 'queued']), ['lost']],
  'no answer at all': [withAnswers('a key'), ['lost']],
  'the answer that is stored, put aside': [withDeadLetter('done', 'succeeded'), ['putAside']],
  'an answer to the command of another device': [withDeadLetter('dead', 'failed'), ['putAside']],
  'an answer to no command': [withDeadLetter('x', 'failed'), ['putAside']],
  'an answer that could not be read': [withDeadLetter('nobody', 'failed', { reason: 'invalid_ack' }), ['putAside']],
  'what was no answer': [withDeadLetter(undefined, '', { reason: 'invalid_patch' }), ['putAside']],
  'an end that changed': [withAnswers('key of again', ['again', 'unknown']), ['changed']],
};
for (const [name, [account, found]] of Object.entries(PLANTED))
  test(`found: ${name}`, () => {
    const findings = compareCommands(account);
    assert.deepEqual(rules(account).toSorted(), found.toSorted(), String(findings));
    assert.equal(findings.kept, false);
    assert.match(findings.verdict, /PROMISES WERE BROKEN/);
  });

test('steps that may not follow each other are told from those that may', () => {
  for (const path of [
    ['queued', 'sent1', 'queued0-', 'sent1', 'sent2', 'sent1-', 'unknown'],
    ['queued', 'sent1', 'delivered', 'sent2', 'sent1-', 'sent2', 'sent3', 'sent2-', 'sent1-', 'succeeded'],
    ['queued', 'sent1', 'queued0-', 'cancelled'],
  ])
    assert.equal(pathFault('retry', steps(...path)), undefined, path.join(' '));
  for (const path of [
    [],
    ['sent1'],
    ['queued', 'succeeded'],
    ['queued', 'delivered'],
    ['queued', 'unknown'],
    ['queued', 'sent2'],
    ['queued', 'sent1', 'sent1'],
    ['queued', 'sent1', 'expired'],
    ['queued', 'sent1', 'cancelled'],
    ['queued', 'sent1', 'superseded'],
    ['queued', 'sent1', 'queued'],
    ['queued', 'sent1', 'queued0'],
    ['queued', 'sent1', 'sent2', 'sent1'],
    ['queued', 'sent1', 'sent2', 'queued1-'],
    ['queued', 'sent1', 'sent0-'],
    ['queued', 'sent1', 'delivered', 'queued0-'],
    ['queued', 'sent1', 'delivered', 'queued0'],
    ['queued', 'sent1', 'succeeded', 'failed'],
    ['queued', 'sent1', 'delivered2'],
  ])
    assert.notEqual(pathFault('retry', steps(...path)), undefined, path.join(' '));
  assert.notEqual(pathFault('once', steps('queued', 'sent1', 'sent2')), undefined);
  assert.notEqual(pathFault('once', steps('queued', 'sent1', 'delivered', 'sent2')), undefined);
});
