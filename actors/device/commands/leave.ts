import type { CommandPace } from '../surroundings.ts';

/** Leave to send: that of a turn, which is for one command of any priority, and then whatever the pace allows. */
export class Leave implements CommandPace {
  readonly #pace: CommandPace;
  #hasTurn: boolean;

  constructor(hasTurn: boolean, pace: CommandPace) {
    this.#hasTurn = hasTurn;
    this.#pace = pace;
  }

  take(priority: number): boolean {
    if (!this.#hasTurn) return this.#pace.take(priority);
    this.#hasTurn = false;
    return true;
  }

  /** The turn, if nothing was sent with it. */
  giveBack(): void {
    if (this.#hasTurn) this.#pace.giveBack();
    this.#hasTurn = false;
  }
}
