/** Takes turns at work that waits in the database, one after the other: at once while there is some, else when it is woken or after a while. */
export type TurnLoopOptions = {
  /** False: nothing was due. */
  readonly turn: () => Promise<boolean>;
  readonly pollMs: number;
  /** A turn that failed; the next one comes after a pause. */
  readonly onError: (error: unknown) => void;
};

export class TurnLoop {
  readonly #options: TurnLoopOptions;
  #loop: Promise<void> = Promise.resolve();
  #isStopped = false;
  #wake: () => void = () => {};

  constructor(options: TurnLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** There is something new to do. */
  wake(): void {
    this.#wake();
  }

  /** Resolves when the turn under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { turn, onError } = this.#options;
    while (!this.#isStopped) {
      const hadOne = await turn().catch((error: unknown) => {
        onError(error);
        return false;
      });
      if (!hadOne && !this.#isStopped) await this.#pause();
    }
  }

  #pause(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, this.#options.pollMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
