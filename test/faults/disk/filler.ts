/** Takes all the room that a disk has, and gives it back. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PIECE = Buffer.alloc(64 * 1024, 1);
const AGAIN_AFTER_MS = 10;

export class Filler {
  readonly #path: string;
  #isFilling = false;
  #filling: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#path = join(folder, 'filler');
  }

  /** From now on there is no room: what becomes free is taken as well. */
  fill(): void {
    this.#isFilling = true;
    this.#filling = this.#fill();
  }

  async empty(): Promise<void> {
    this.#isFilling = false;
    await this.#filling;
    rmSync(this.#path, { force: true });
  }

  async #fill(): Promise<void> {
    const file = openSync(this.#path, 'a');
    try {
      while (this.#isFilling) {
        writeUntilFull(file);
        await sleep(AGAIN_AFTER_MS);
      }
    } finally {
      closeSync(file);
    }
  }
}

function writeUntilFull(file: number): void {
  for (const size of [PIECE.length, 4_096]) {
    try {
      for (;;) writeSync(file, PIECE, 0, size);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
