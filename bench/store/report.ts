import { spread } from '../measure/statistics.ts';
import { decimals, inSpread, table, whole } from '../measure/table.ts';
import type { PartitionsRow } from './partitions.part.ts';
import type { Latency, QueryResult } from './queries.part.ts';
import type { Sizes } from './sizes.part.ts';
import type { StoreEngine } from './store-home.ts';
import type { WriterRow } from './writer.part.ts';

export type StoreResult = {
  readonly engine: StoreEngine;
  readonly writer?: readonly WriterRow[];
  readonly sizes?: Sizes;
  readonly partitions?: readonly PartitionsRow[];
  readonly queries: readonly QueryResult[];
};

const ratio = (value: number): string => decimals(value, 2);

const ms = (value: number): string => decimals(value, 2);
const latency = ({ p50, p99 }: Latency): string => `${ms(p50)} / ${ms(p99)}`;

export function printStore({ engine, writer, sizes, partitions, queries }: StoreResult): void {
  if (writer !== undefined) {
    console.log(`\n${engine}: datapoints a second, the writer against plain COPY`);
    const rows = writer.map(it => [
      whole(it.batch),
      inSpread(spread(it.writer), whole),
      inSpread(spread(it.copy), whole),
      inSpread(spread(it.ratio), ratio),
    ]);
    console.log(table(['batch', 'writer', 'plain COPY', 'ratio'], rows));
  }
  if (sizes !== undefined) {
    console.log(`\n${engine}: ${whole(sizes.datapoints)} datapoints, bytes of each`);
    const { tableBytes, indexBytes, datapoints, bytesPerDatapoint } = sizes;
    const { packedBytesPerDatapoint: packed, compressedBytesPerDatapoint: compressed } = sizes;
    const rows = [
      ['rows', decimals(tableBytes / datapoints, 1)],
      ['index', decimals(indexBytes / datapoints, 1)],
      ['together', decimals(bytesPerDatapoint, 1)],
      ...(packed === null ? [] : [['together, when the day is over', decimals(packed, 1)]]),
      ...(compressed === null ? [] : [['compressed', decimals(compressed, 1)]]),
    ];
    console.log(table(['', 'bytes'], rows));
  }
  if (partitions !== undefined) {
    console.log(`\n${engine}: milliseconds in the middle, with more and more partitions`);
    const rows = partitions.map(it => [
      whole(it.partitions),
      ms(it.write),
      ms(it.latest),
      ms(it.hours),
      ms(it.planning),
    ]);
    console.log(table(['partitions', '1,000 datapoints', 'latest value', 'a day by hour', 'planning of that'], rows));
  }
  for (const { datapoints, rows } of queries) {
    console.log(`\n${engine}: ${whole(datapoints)} datapoints, milliseconds p50 / p99`);
    const lines = rows.map(it => [it.question, latency(it.sql), latency(it.rest), ms(it.rest.p50 - it.sql.p50)]);
    console.log(table(['', 'SQL by hand', 'REST', 'REST adds'], lines));
  }
}
