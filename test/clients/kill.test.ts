import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { endWithUs } from '../support/end-with-us.ts';
import { newFolder } from './running-device.ts';
import { SmallBroker } from './small-broker.ts';

const KILLS = 20;
const COMMANDS_PER_RUN = 5;
const PROGRAM = new URL('./ledger-device.ts', import.meta.url).pathname;
const upTo = (most: number) => Math.floor(Math.random() * most);

async function linesOf(folder: string, name: string): Promise<string[]> {
  const content = await readFile(join(folder, name), 'utf8').catch(() => '');
  return content.split('\n').filter(line => line !== '');
}

/** Commands that are sent again and again until they are answered, as the server does. */
class Commander {
  readonly #broker: SmallBroker;
  readonly asked: string[] = [];
  constructor(broker: SmallBroker) {
    this.#broker = broker;
  }
  ask(count: number): void {
    for (let i = 0; i < count; i++) this.asked.push(`c${this.asked.length}`);
  }
  get unanswered(): string[] {
    const answered = new Set(this.#broker.acknowledgements.map(it => it.id));
    return this.asked.filter(id => !answered.has(id));
  }
  async repeat(): Promise<void> {
    for (const id of this.unanswered) await this.#broker.command('d1', id, 'write');
  }
}

/** The same device in process after process, each killed in the middle of its work but the last, which comes to an end. */
async function killAgainAndAgain(t: TestContext, ring: 'ring' | 'no-ring') {
  const broker = await SmallBroker.start(t);
  const folder = await newFolder(t);
  const commander = new Commander(broker);
  for (let run = 0; run <= KILLS; run++) {
    const child = spawn(process.execPath, [PROGRAM, broker.url, folder, String(run), ring], { stdio: 'inherit' });
    endWithUs(child);
    const ended = once(child, 'exit');
    commander.ask(COMMANDS_PER_RUN);
    let heard = broker.received.length;
    const more = async () => {
      await broker.until(() => broker.received.length > heard);
      heard = broker.received.length;
      await commander.repeat();
    };
    for (let i = upTo(20); i >= 0; i--) await more();
    if (run === KILLS) {
      while (commander.unanswered.length > 0) await more();
      const promised = (await linesOf(folder, 'resolved.txt')).map(Number);
      await broker.until(() => missingIn(broker, promised).length === 0);
    }
    // Not to wait for anything: anywhere in what it does just now.
    await after(upTo(20));
    child.kill('SIGKILL');
    await ended;
    if (ring === 'no-ring' && hasTwice(await linesOf(folder, 'ledger.txt'))) break;
  }
  return { broker, folder, commander, ledger: await linesOf(folder, 'ledger.txt') };
}

const hasTwice = (ids: readonly string[]): boolean => new Set(ids).size < ids.length;

function missingIn(broker: SmallBroker, promised: readonly number[]): number[] {
  const arrived = new Set(broker.of('/telemetry').map(it => (it.values as { n: number }).n));
  return promised.filter(n => !arrived.has(n));
}

test(`killed ${KILLS} times at any moment: no command is carried out twice, and no promised message is lost`, async t => {
  const { broker, folder, commander, ledger } = await killAgainAndAgain(t, 'ring');
  assert.ok(!hasTwice(ledger), 'a command was carried out twice');
  for (const id of commander.asked) {
    const { status } = broker.answerTo(id)!;
    assert.match(status, /^(succeeded|unknown)$/);
    if (status === 'succeeded') assert.ok(ledger.includes(id), id);
  }
  assert.ok(ledger.length > KILLS, `${ledger.length} commands were carried out`);
  const statuses = new Set(broker.acknowledgements.map(it => `${it.id} ${it.status}`));
  assert.equal(statuses.size, commander.asked.length, 'a command was answered in two ways');
  const damaged = (await linesOf(folder, 'errors.txt')).filter(line => line.includes('damaged'));
  assert.deepEqual(damaged, []);
});

test('without the ring the same finds commands that were carried out twice', async t => {
  const { ledger } = await killAgainAndAgain(t, 'no-ring');
  assert.ok(hasTwice(ledger));
});
