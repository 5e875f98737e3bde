/**
 * What comes back from the database as JavaScript values. Both engines use this one table, so that they cannot differ; types
 * that are not in it (numeric, uuid, date, ...) come back as PostgreSQL's text.
 */
import pg from 'pg';

type Parse = (text: string) => unknown;

const bytes: Parse = text => Buffer.from(text.slice(2), 'hex');
/** Sessions run in UTC with ISO dates, so the text is like `2026-01-01 12:00:00.123456+00`, and years may have more digits. */
const timestamp: Parse = text => {
  if (text === 'infinity' || text === '-infinity') return text;
  const bc = text.endsWith(' BC');
  const match = /^(\d+)-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?/.exec(text);
  if (match === null) return text;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const millisecond = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const date = new Date(0);
  date.setUTCFullYear(bc ? 1 - year : year, month - 1, day);
  date.setUTCHours(hour, minute, second, millisecond);
  return date;
};
const bool: Parse = text => text === 't';
const json: Parse = text => JSON.parse(text);

/** Type and array type, by their fixed OIDs (https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat). */
const TYPES: readonly (readonly [oid: number, arrayOid: number, parse: Parse])[] = [
  [16, 1000, bool],
  [17, 1001, bytes],
  [20, 1016, Number],
  [21, 1005, Number],
  [23, 1007, Number],
  [25, 1009, text => text],
  [26, 1028, Number],
  [114, 199, json],
  [700, 1021, Number],
  [701, 1022, Number],
  [1043, 1015, text => text],
  [1184, 1185, timestamp],
  [2950, 2951, text => text],
  [3802, 3807, json],
];

/** Its type in @types/pg is not what it is at run time. */
const arrays = pg.types.arrayParser as unknown as {
  create(text: string, parse: Parse): { parse(): unknown[] };
};
const PARSERS = new Map<number, Parse>();
for (const [oid, arrayOid, parse] of TYPES) {
  PARSERS.set(oid, parse);
  PARSERS.set(arrayOid, text => arrays.create(text, parse).parse());
}

const asText: Parse = text => text;
export const parserOf = (oid: number): Parse => PARSERS.get(oid) ?? asText;
