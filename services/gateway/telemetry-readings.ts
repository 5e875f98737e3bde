/** How questions about telemetry are read, and how answers are said that only they have. */
import { Readable } from 'node:stream';
import type { Series } from '../../contracts/telemetry.contract.ts';
import type { ApiRequest, Reply } from './endpoint.ts';
import { namesOf, numberOf, timeOf } from './readings.ts';

type Params = Record<string, unknown>;

const NDJSON = 'application/x-ndjson';

/** `a,b`, or the parameter twice. */
const list = (query: Params, ...names: string[]): Params =>
  Object.fromEntries(names.filter(it => query[it] !== undefined).map(it => [it, namesOf(query[it])]));
const number = (query: Params, ...names: string[]): Params =>
  Object.fromEntries(names.filter(it => query[it] !== undefined).map(it => [it, numberOf(query[it])]));
const range = (query: Params): Params => ({
  ...(query.from !== undefined && { from: timeOf('from', query.from) }),
  ...(query.to !== undefined && { to: timeOf('to', query.to) }),
});

export const latestOf = ({ query, path }: ApiRequest): Params => ({
  ...query,
  ...list(query, 'measurements'),
  id: path.id,
});

export const latestOfMany = ({ query }: ApiRequest): Params => ({
  ...query,
  ...list(query, 'measurements', 'deviceIds'),
  ...number(query, 'limit'),
});

/** Rows that follow each other in one answer are asked for with `Accept: application/x-ndjson`, or with `stream=true`. */
export function seriesOf({ query, path, headers }: ApiRequest): Params {
  const { stream, ...rest } = query;
  const accepted = headers.accept?.split(',').some(it => it.split(';', 1)[0]!.trim().toLowerCase() === NDJSON);
  const wanted = stream === undefined ? accepted : stream === 'true' ? true : stream === 'false' ? false : stream;
  return {
    ...rest,
    ...list(rest, 'measurements', 'aggregate'),
    ...number(rest, 'limit', 'points', 'minQuality'),
    ...range(rest),
    ...(wanted !== undefined && wanted !== false && { stream: wanted }),
    id: path.id,
  };
}

export const acrossOf = ({ query }: ApiRequest): Params => ({
  ...query,
  ...list(query, 'deviceIds', 'aggregate'),
  ...number(query, 'minQuality'),
  ...range(query),
});

export const topOf = ({ query }: ApiRequest): Params => ({
  ...query,
  ...list(query, 'deviceIds'),
  ...number(query, 'n', 'minQuality'),
  ...range(query),
});

/** A page, or all pages one after the other, each when the client has taken the one before. */
export function seriesReply(first: Series, more: (params: Params) => Promise<Series>): Reply {
  if (!first.stream) return { status: 200, body: first };
  return {
    status: 200,
    contentType: NDJSON,
    headers: { 'X-Telemetry-Source': first.source },
    body: Readable.from(lines(first, more), { objectMode: false }),
  };
}

async function* lines(first: Series, more: (params: Params) => Promise<Series>): AsyncGenerator<string> {
  for (let page = first; ; page = await more({ cursor: page.nextCursor })) {
    if (page.items.length > 0) yield page.items.map(it => `${JSON.stringify(it)}\n`).join('');
    if (page.nextCursor === null) return;
  }
}
