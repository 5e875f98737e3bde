/** Applications: they ask for commands, each under a key of its own and again until they get an answer, and take some back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandState } from '../../../contracts/commands.ts';
import type { Chance } from '../random.ts';
import type { AskedCommand } from './command-account.ts';
import { makeOrder, type Order, type Target, type Times } from './command-orders.ts';
import type { RestAnswer, RestCaller, RestRequest } from './rest-caller.ts';

export type CallerOptions = {
  readonly rest: RestCaller;
  readonly targets: readonly Target[];
  readonly times: Times;
  readonly chance: Chance;
  readonly commandsPerSecond: number;
};
type Asked = AskedCommand & { readonly answers: { id: string; state: CommandState }[] };

const CALLERS = 8;
const AGAIN_AFTER_MS = { from: 20, to: 300 };
/** One in so many is asked for twice at once; by its answer; again after its answer. */
const TWICE_ONE_IN = 20;
const WAIT_ONE_IN = 10;
const AGAIN_ONE_IN = 10;

export class CommandCaller {
  readonly #options: CallerOptions;
  readonly #asked: Asked[] = [];
  readonly #refusals = new Map<string, number>();
  readonly #under = new Set<Promise<void>>();
  #isStopping = false;
  /** Whoever still asks gives up. */
  #isOver = false;
  #accepted = 0;

  constructor(options: CallerOptions) {
    this.#options = options;
    for (let i = 0; i < CALLERS; i++) this.#track(this.#call());
  }

  get asked(): readonly AskedCommand[] {
    return this.#asked;
  }
  /** Commands that were answered with 2xx. */
  get accepted(): number {
    return this.#accepted;
  }
  /** Answers that nothing here can lead to, how often: there must be none. */
  get refusals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#refusals);
  }

  /** Asks for nothing new. False: after `timeoutMs` some had no answer still. */
  async stop(timeoutMs: number): Promise<boolean> {
    this.#isStopping = true;
    const late = new AbortController();
    const all = async () => {
      while (this.#under.size > 0) await Promise.all(this.#under);
      return true;
    };
    const timeout = sleep(timeoutMs, false, { signal: late.signal }).catch(() => false);
    return Promise.race([all(), timeout]).finally(() => {
      late.abort();
      this.#isOver = true;
    });
  }
  async #call(): Promise<void> {
    const { chance, targets, times, commandsPerSecond } = this.#options;
    const pauseMs = (CALLERS * 1_000) / commandsPerSecond;
    while (!this.#isStopping) {
      await this.#send(makeOrder(chance, targets, times));
      await sleep(chance.between(0, 2 * pauseMs));
    }
  }

  async #send(order: Order): Promise<void> {
    const { chance } = this.#options;
    const asked: Asked = { key: `key-${this.#asked.length + 1}`, answers: [] };
    this.#asked.push(asked);
    const oneIn = (many: number) => chance.between(1, many) === 1;
    const wait = oneIn(WAIT_ONE_IN) ? '?wait=1' : '';
    const request: RestRequest = {
      method: 'POST',
      path: `/devices/${order.deviceId}/commands${wait}`,
      body: order.body,
      headers: { 'Idempotency-Key': asked.key },
    };
    const times = oneIn(TWICE_ONE_IN) ? 2 : 1;
    await Promise.all(Array.from({ length: times }, () => this.#askFor(asked, request)));
    if (asked.answers.length > 0) this.#accepted++;
    if (oneIn(AGAIN_ONE_IN)) this.#track(this.#later(chance.between(0, 5_000), () => this.#askFor(asked, request)));
    const { cancelAfterMs } = order;
    if (cancelAfterMs !== undefined) this.#track(this.#later(cancelAfterMs, () => this.#cancel(asked)));
  }

  async #askFor(asked: Asked, request: RestRequest): Promise<void> {
    this.#note(asked, await this.#ask(request), []);
  }

  async #cancel(asked: Asked): Promise<void> {
    const id = asked.answers[0]?.id;
    if (id === undefined) return;
    const answer = await this.#ask({ method: 'POST', path: `/commands/${id}/cancel`, body: {} });
    this.#note(asked, answer, ['command_ended']);
  }

  #ask(request: RestRequest): Promise<RestAnswer> {
    const { rest, chance } = this.#options;
    const pauseMs = () => chance.between(AGAIN_AFTER_MS.from, AGAIN_AFTER_MS.to);
    return rest.askUntilAnswered(request, () => this.#isOver, pauseMs);
  }

  #note(asked: Asked, { status, body }: RestAnswer, expected: readonly string[]): void {
    if (status >= 200 && status < 300) asked.answers.push({ id: body.id as string, state: body.state as CommandState });
    else if (!expected.includes(body.type as string) && !this.#isOver) {
      const what = `${status} ${body.type}: ${body.detail}`;
      this.#refusals.set(what, (this.#refusals.get(what) ?? 0) + 1);
    }
  }

  async #later(ms: number, work: () => Promise<void>): Promise<void> {
    await sleep(ms);
    await work();
  }

  #track(work: Promise<void>): void {
    this.#under.add(work);
    void work.finally(() => this.#under.delete(work));
  }
}
