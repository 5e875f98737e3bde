/** Asks the server for the device's twin. Who asks while a question is open gets the same answer. */
import { readObject } from './commands/command-message.ts';

export type Twin = Readonly<Record<string, unknown>>;

export class TwinQuestion {
  readonly #timeoutMs: number;
  #open:
    | {
        readonly answer: Promise<Twin>;
        readonly resolve: (twin: Twin) => void;
        readonly reject: (error: Error) => void;
      }
    | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects when there is no answer in time, and when the connection ends. */
  ask(send: () => void): Promise<Twin> {
    if (this.#open !== undefined) return this.#open.answer;
    const { promise: answer, resolve, reject } = Promise.withResolvers<Twin>();
    const timer = setTimeout(() => reject(new Error(`No twin came in ${this.#timeoutMs} ms`)), this.#timeoutMs);
    this.#open = { answer, resolve, reject };
    const done = () => {
      clearTimeout(timer);
      this.#open = undefined;
    };
    answer.then(done, done);
    send();
    return answer;
  }

  answered(payload: Buffer): void {
    const twin = readObject(payload);
    if (twin === undefined) this.#open?.reject(new Error('The twin that came is not one'));
    else this.#open?.resolve(twin);
  }

  /** The answer would come on a connection that is gone. */
  disconnected(): void {
    this.#open?.reject(new Error('Not connected'));
  }
}
