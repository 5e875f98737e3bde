import { telemetry } from '../../../contracts/telemetry.contract.ts';
import { accepted, plain } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { items, pathId } from '../readings.ts';
import { hoursOf, seedHistory, seedLatest } from '../seed-shapes.ts';
import { acrossOf, latestOf, latestOfMany, seriesOf, seriesReply, topOf } from '../telemetry-readings.ts';

export const telemetryRoutes: readonly Endpoint[] = [
  endpoint('POST', '/telemetry', telemetry.send, items, accepted, { takesBody: true, creates: true }),
  endpoint('GET', '/telemetry/latest', telemetry.latestOfMany, latestOfMany, plain),
  endpoint('GET', '/telemetry/aggregate', telemetry.aggregate, acrossOf, plain),
  endpoint('GET', '/telemetry/top', telemetry.top, topOf, plain),
  endpoint('GET', '/analytics/aggregated', telemetry.aggregate, acrossOf, plain),
  endpoint('GET', '/devices/:id/telemetry', telemetry.series, seriesOf, seriesReply),
  endpoint('GET', '/devices/:id/telemetry/latest', telemetry.latest, latestOf, plain),
  endpoint('GET', '/devices/:id/data', telemetry.series, seriesOf, seriesReply),
  endpoint('GET', '/devices/:id/data/latest', telemetry.latest, latestOf, plain),
  endpoint('GET', '/device/:id/history', telemetry.series, hoursOf, seedHistory),
  endpoint('GET', '/device/:id/latest', telemetry.latest, pathId, seedLatest),
];
