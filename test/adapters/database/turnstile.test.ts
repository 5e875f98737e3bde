import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Turnstile } from '../../../adapters/database/turnstile.ts';
import { rejection } from './rejections.ts';

/** Work that says when it began, and ends when it is told to. */
class Work {
  readonly began: string[] = [];
  readonly #ends = new Map<string, PromiseWithResolvers<string>>();
  readonly start = (name: string) => () => {
    this.began.push(name);
    const end = Promise.withResolvers<string>();
    this.#ends.set(name, end);
    return end.promise;
  };
  async end(name: string): Promise<void> {
    this.#ends.get(name)!.resolve(name);
    await new Promise(setImmediate);
  }
  async fail(name: string): Promise<void> {
    this.#ends.get(name)!.reject(new Error(name));
    await new Promise(setImmediate);
  }
}

describe('a turnstile', () => {
  it('lets shared work through several at once, in the order in which it came', async () => {
    const work = new Work();
    const turnstile = new Turnstile('it', 2, 10);
    const results = ['a', 'b', 'c'].map(name => turnstile.shared(work.start(name)));
    assert.deepEqual(work.began, ['a', 'b']);
    await work.end('b');
    assert.deepEqual(work.began, ['a', 'b', 'c']);
    await work.end('a');
    await work.end('c');
    assert.deepEqual(await Promise.all(results), ['a', 'b', 'c']);
  });

  it('lets exclusive work through alone, and nobody overtakes it', async () => {
    const work = new Work();
    const turnstile = new Turnstile('it', 2, 10);
    const results = [
      turnstile.shared(work.start('a')),
      turnstile.exclusive(work.start('X')),
      turnstile.shared(work.start('b')),
      turnstile.shared(work.start('c')),
    ];
    assert.deepEqual(work.began, ['a']);
    await work.end('a');
    assert.deepEqual(work.began, ['a', 'X']);
    await work.end('X');
    assert.deepEqual(work.began, ['a', 'X', 'b', 'c']);
    await work.end('b');
    await work.end('c');
    await Promise.all(results);
  });

  it('goes on after work that failed', async () => {
    const work = new Work();
    const turnstile = new Turnstile('it', 1, 10);
    const failing = assert.rejects(turnstile.exclusive(work.start('a')), /a/);
    const next = turnstile.shared(work.start('b'));
    await work.fail('a');
    await failing;
    await work.end('b');
    assert.equal(await next, 'b');
  });

  it('refuses what would wait behind too much, and keeps what it took', async () => {
    const work = new Work();
    const turnstile = new Turnstile('The queue', 1, 2);
    const taken = ['a', 'b', 'c'].map(name => turnstile.shared(work.start(name)));
    const error = await rejection('unavailable', turnstile.shared(work.start('d')));
    assert.match(error.message, /The queue is overloaded/);
    for (const name of ['a', 'b', 'c']) await work.end(name);
    assert.deepEqual(await Promise.all(taken), ['a', 'b', 'c']);
    assert.ok(!work.began.includes('d'));
  });

  it('closes when all that it took has ended, and takes no more', async () => {
    const work = new Work();
    const turnstile = new Turnstile('it', 1, 10);
    const taken = ['a', 'b'].map(name => turnstile.exclusive(work.start(name)));
    let closed = false;
    const closing = turnstile.close().then(() => {
      closed = true;
    });
    await rejection('unavailable', turnstile.shared(work.start('c')));
    await work.end('a');
    assert.equal(closed, false);
    await work.end('b');
    await closing;
    await Promise.all(taken);
    await turnstile.close();
  });
});
