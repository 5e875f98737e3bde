import { telemetry } from '../../../contracts/telemetry.contract.ts';
import { accepted, plain } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { items, pathId, seriesOf } from '../readings.ts';
import { hoursOf, seedHistory, seedLatest } from '../seed-shapes.ts';

export const telemetryRoutes: readonly Endpoint[] = [
  endpoint('POST', '/telemetry', telemetry.send, items, accepted, { takesBody: true, creates: true }),
  endpoint('GET', '/devices/:id/telemetry', telemetry.series, seriesOf, plain),
  endpoint('GET', '/devices/:id/telemetry/latest', telemetry.latest, pathId, plain),
  endpoint('GET', '/devices/:id/data', telemetry.series, seriesOf, plain),
  endpoint('GET', '/devices/:id/data/latest', telemetry.latest, pathId, plain),
  endpoint('GET', '/device/:id/history', telemetry.series, hoursOf, seedHistory),
  endpoint('GET', '/device/:id/latest', telemetry.latest, pathId, seedLatest),
];
