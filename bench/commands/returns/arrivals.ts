/** What some devices got, and whether it came in the order in which it should. */

export type Arrival = { readonly id: string; readonly attempt: number; readonly rank: number };

/** `disorders`: the first ones, in words. `again`: a device got the same command once more. `repetitions`: with an attempt beyond the first. */
export type ArrivalsReport = {
  readonly momentsMs: Float64Array;
  readonly commands: number;
  readonly again: number;
  readonly repetitions: number;
  readonly disordered: number;
  readonly disorders: readonly string[];
};

const DISORDERS_TOLD = 5;

export class Arrivals {
  readonly #momentsMs: number[] = [];
  readonly #devices = new Map<string, Set<string>>();
  readonly #disorders: string[] = [];
  #commands = 0;
  #repetitions = 0;
  #disordered = 0;

  /** Different commands, so far. */
  get commands(): number {
    return this.#commands;
  }

  /** @param atMs milliseconds since 1970 */
  take(deviceId: string, { id, attempt, rank }: Arrival, atMs: number): void {
    this.#momentsMs.push(atMs);
    if (attempt > 1) this.#repetitions++;
    const known = this.#devices.get(deviceId) ?? new Set();
    this.#devices.set(deviceId, known);
    if (known.has(id)) return;
    // Those before it are all it has, if the order is right.
    if (rank !== known.size) this.#tell(`${deviceId} got rank ${rank} as number ${known.size}, attempt ${attempt}`);
    known.add(id);
    this.#commands++;
  }

  report(): ArrivalsReport {
    return {
      momentsMs: Float64Array.from(this.#momentsMs),
      commands: this.#commands,
      again: this.#momentsMs.length - this.#commands,
      repetitions: this.#repetitions,
      disordered: this.#disordered,
      disorders: this.#disorders,
    };
  }

  #tell(disorder: string): void {
    if (this.#disordered++ < DISORDERS_TOLD) this.#disorders.push(disorder);
  }
}

/** What all of them say together. */
export function joinReports(reports: readonly ArrivalsReport[]): ArrivalsReport {
  const sum = (of: (report: ArrivalsReport) => number) => reports.reduce((all, it) => all + of(it), 0);
  return {
    momentsMs: Float64Array.from(reports.flatMap(it => [...it.momentsMs])),
    commands: sum(it => it.commands),
    again: sum(it => it.again),
    repetitions: sum(it => it.repetitions),
    disordered: sum(it => it.disordered),
    disorders: reports.flatMap(it => it.disorders).slice(0, DISORDERS_TOLD),
  };
}
