/**
 * Where the partitions of `telemetry` begin (or its chunks, on TimescaleDB), so that a range is read in windows of few of them, however many
 * there are. What is known may be older than the truth: windows always make up the whole range, so nothing is left out by that.
 */
import type { Database } from '../../database.ts';
import { DAY_US, microsOf } from '../days.ts';
import { readMinutesFrom } from '../rollups.ts';
import type { Range } from './moments.ts';

/** How long what is known is used: a partition that is made meanwhile is read with the one before it. */
const KNOWN_MS = 30_000;
/** No window opens more partitions than this: planning for them takes some milliseconds. */
export const WINDOW_PARTITIONS = 32;

const DAY_NAME = /_(\d{4})(\d{2})(\d{2})?"?$/;

export class TelemetrySpans {
  readonly #starts: Known<readonly number[]>;
  readonly #minutesFrom: Known<number>;

  constructor(database: Database, now: () => number = () => performance.now()) {
    this.#starts = new Known(() => readStarts(database), now);
    this.#minutesFrom = new Known(async () => (await readMinutesFrom(database)).getTime() * 1_000, now);
  }

  /** Where partitions begin, in microseconds since 1970, the first one first. */
  starts(): Promise<readonly number[]> {
    return this.#starts.get();
  }

  /** From when on there are rollups of minutes. It moves once a day, and what it leaves behind is there a day longer. */
  minutesFromUs(): Promise<number> {
    return this.#minutesFrom.get();
  }
}

/** What was read a short while ago. */
class Known<T> {
  readonly #read: () => Promise<T>;
  readonly #now: () => number;
  #value: Promise<T> | undefined;
  #readAtMs = 0;

  constructor(read: () => Promise<T>, now: () => number) {
    this.#read = read;
    this.#now = now;
  }

  get(): Promise<T> {
    if (this.#value === undefined || this.#now() - this.#readAtMs > KNOWN_MS) {
      this.#readAtMs = this.#now();
      const reading = this.#read();
      this.#value = reading;
      reading.catch(() => {
        if (this.#value === reading) this.#value = undefined;
      });
    }
    return this.#value;
  }
}

async function readStarts(database: Database): Promise<number[]> {
  if (database.engine === 'timescale') {
    const chunks = await database.query<{ us: number }>(
      `SELECT DISTINCT ${microsOf('range_start')} AS us FROM timescaledb_information.chunks
       WHERE hypertable_schema = current_schema() AND hypertable_name = 'telemetry' ORDER BY us`,
    );
    return chunks.map(it => it.us);
  }
  const rows = await database.query<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'telemetry'::regclass`,
  );
  const starts = rows.flatMap(({ name }) => {
    const [, year, month, day = '01'] = DAY_NAME.exec(name) ?? [];
    return year === undefined ? [] : [Date.parse(`${year}-${month}-${day}T00:00:00Z`) * 1000];
  });
  return starts.sort((a, b) => a - b);
}

/** Where a window that begins at `fromUs` ends, so that it opens at most so many partitions. */
export function windowEnd(starts: readonly number[], fromUs: number, toUs: number, partitions: number): number {
  // The partition that `fromUs` lies in, if there is one, began before it.
  const next = firstAfter(starts, fromUs);
  const isInside = next > 0;
  const end = starts[next + partitions - (isInside ? 1 : 0)] ?? toUs;
  return Math.min(end, toUs);
}

/** The place of the first one that is later. */
function firstAfter(starts: readonly number[], us: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! <= us) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Windows that make up the range, the first one small: most answers end there, and others want few statements. */
export function* growingWindows(starts: readonly number[], { fromUs, toUs }: Range): Generator<Range> {
  let partitions = 1;
  for (let at = fromUs; at < toUs; ) {
    const end = windowEnd(starts, at, toUs, partitions);
    yield { fromUs: at, toUs: end };
    at = end;
    partitions = WINDOW_PARTITIONS;
  }
}

export const endOfDay = (day: number): number => (day + 1) * DAY_US;
