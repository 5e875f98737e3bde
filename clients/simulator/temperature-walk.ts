/** A room: it wanders, and something always brings it back. */
const COMFORT = 21;
const PULL = 0.02;
const STEP = 0.4;

export type Reading = { readonly temperature: number; readonly humidity: number; readonly battery: number };

export class TemperatureWalk {
  readonly #random: () => number;
  #temperature: number;
  #battery = 100;

  constructor(random: () => number) {
    this.#random = random;
    this.#temperature = COMFORT + 6 * (random() - 0.5);
  }

  next(): Reading {
    this.#temperature += PULL * (COMFORT - this.#temperature) + STEP * (this.#random() - 0.5);
    this.#battery = this.#battery < 5 ? 100 : this.#battery - 0.002;
    // Warm air of the same room is drier.
    const humidity = 50 - 1.5 * (this.#temperature - COMFORT) + this.#random();
    return { temperature: round(this.#temperature), humidity: round(humidity), battery: round(this.#battery) };
  }
}

const round = (value: number): number => Math.round(value * 100) / 100;
