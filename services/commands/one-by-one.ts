/** Does what has the same name one after the other, and everything else at once. As many wait as there are requests. */
export class OneByOne {
  readonly #last = new Map<string, Promise<unknown>>();

  /** What becomes of one before it is nothing to this one. */
  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const run = before.then(work, work);
    this.#last.set(name, run);
    const forget = () => {
      if (this.#last.get(name) === run) this.#last.delete(name);
    };
    run.then(forget, forget);
    return run;
  }
}
