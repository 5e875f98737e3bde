import type { Descriptions } from './description.ts';
import {
  count,
  described,
  listOf,
  object,
  oneOf,
  pageOf,
  text,
  textOrNull,
  time,
  timeOrNull,
  uuid,
  yesOrNo,
} from './schemas/shapes.ts';

const tag = { tag: 'Storage' } as const;
const days = { type: ['integer', 'null'], minimum: 1, maximum: 36_500 };
const POLICY = {
  name: 'pumps',
  description: 'Raw values of pumps',
  deviceType: 'pump',
  measurement: null,
  archiveAfterDays: 90,
  dropAfterDays: 3_650,
  rollupsKeepDays: null,
  version: 2,
  createdAt: '2026-02-01T08:00:00.000Z',
  updatedAt: '2026-03-01T06:15:00.000Z',
};
const SAID = { description: POLICY.description, deviceType: 'pump', archiveAfterDays: 90, dropAfterDays: 3_650 };
const saidFields = {
  description: textOrNull,
  deviceType: described(textOrNull, 'Devices of this type only; null: all.'),
  measurement: described(textOrNull, 'This measurement only; null: all.'),
  archiveAfterDays: described(days, 'Then readings become Parquet files; null: never.'),
  dropAfterDays: described(days, 'Then readings are removed, as rows and as files; null: never.'),
  rollupsKeepDays: described(
    days,
    'Then rollups of minutes, hours and days are removed; needs dropAfterDays, and is not less. Null: never.',
  ),
};
const policy = object({ name: text, ...saidFields, version: count, createdAt: time, updatedAt: time });
const said = object(saidFields, Object.keys(saidFields));

const HOLD = {
  id: '0195a3c1-7b1e-7c55-9d3e-0f6f1a2b3c4d',
  deviceId: 'press-4',
  deviceType: null,
  measurement: null,
  from: '2026-01-01T00:00:00.000Z',
  to: null,
  reason: 'Case 2026-17',
  madeBy: 'user 0195a3c1-0000-7000-8000-000000000001',
  createdAt: '2026-03-01T06:15:00.000Z',
  releasedAt: null,
  releasedBy: null,
  releaseReason: null,
};
const RELEASED = {
  ...HOLD,
  releasedAt: '2026-09-01T09:00:00.000Z',
  releasedBy: HOLD.madeBy,
  releaseReason: 'The case is closed',
};
const hold = object({
  id: uuid,
  deviceId: textOrNull,
  deviceType: textOrNull,
  measurement: textOrNull,
  from: timeOrNull,
  to: timeOrNull,
  reason: text,
  madeBy: text,
  createdAt: time,
  releasedAt: timeOrNull,
  releasedBy: textOrNull,
  releaseReason: textOrNull,
});
const newHold = object(
  {
    deviceId: textOrNull,
    deviceType: textOrNull,
    measurement: textOrNull,
    from: timeOrNull,
    to: timeOrNull,
    reason: text,
  },
  ['deviceId', 'deviceType', 'measurement', 'from', 'to'],
);
const counted = object({ datapoints: count, from: timeOrNull, to: timeOrNull });
const usageItem = object({
  kind: oneOf(['raw', 'rollups', 'archive']),
  tier: oneOf(['hot', 'compressed', 'archived']),
  bytes: count,
  rows: count,
  parts: count,
  oldest: textOrNull,
  newest: textOrNull,
});

export const storageDescriptions: Descriptions = {
  'GET /storage/usage': {
    ...tag,
    summary: 'What telemetry takes, by kind and tier',
    description:
      'The organization that runs the system sees all of it. Others see an estimate of theirs: their share of the series; their archive is counted. Rows of tables are as the database estimates them.',
    answers: {
      200: {
        schema: object({
          of: oneOf(['system', 'organization']),
          isEstimate: yesOrNo,
          bytes: count,
          items: listOf(usageItem),
          compressionRatio: { type: ['number', 'null'] },
          countedAt: time,
        }),
        example: {
          of: 'system',
          isEstimate: false,
          bytes: 9_120_000,
          items: [
            {
              kind: 'raw',
              tier: 'hot',
              bytes: 8_200_000,
              rows: 96_000,
              parts: 31,
              oldest: '2026-02-01',
              newest: '2026-03-01',
            },
            {
              kind: 'archive',
              tier: 'archived',
              bytes: 920_000,
              rows: 410_000,
              parts: 59,
              oldest: '2025-12-01',
              newest: '2026-01-31',
            },
          ],
          compressionRatio: null,
          countedAt: '2026-03-01T06:15:00.000Z',
        },
      },
    },
  },
  'GET /storage/policies': {
    ...tag,
    summary: 'List storage policies, by name',
    answers: { 200: { schema: pageOf(policy), example: { items: [POLICY], nextCursor: null } } },
  },
  'POST /storage/policies/preview': {
    ...tag,
    summary: 'Count what a policy would move now',
    description:
      'Nothing is changed. Readings for which another policy says more are not counted. With `isComplete` false there are more.',
    body: object(
      {
        deviceType: saidFields.deviceType,
        measurement: saidFields.measurement,
        archiveAfterDays: saidFields.archiveAfterDays,
        dropAfterDays: saidFields.dropAfterDays,
      },
      Object.keys(saidFields),
    ),
    bodyExample: { deviceType: 'pump', archiveAfterDays: 90 },
    answers: {
      200: {
        schema: object({ archive: counted, drop: counted, isComplete: yesOrNo }),
        example: {
          archive: { datapoints: 52_000, from: '2025-11-01T00:00:00.000Z', to: '2025-12-01T23:59:50.000Z' },
          drop: { datapoints: 0, from: null, to: null },
          isComplete: true,
        },
      },
    },
  },
  'GET /storage/policies/:name': {
    ...tag,
    summary: 'A storage policy',
    answers: { 200: { schema: policy, example: POLICY, headers: ['ETag'] } },
  },
  'PUT /storage/policies/:name': {
    ...tag,
    summary: 'Make a storage policy, or replace all that it says',
    description:
      'Of several policies that fit, the one that says most counts, as a whole: type and measurement, measurement, type, neither. `conflict`: another one is for the same type and measurement.',
    body: said,
    bodyExample: SAID,
    answers: {
      200: { schema: policy, example: POLICY, headers: ['ETag'] },
      201: {
        schema: policy,
        example: { ...POLICY, version: 1, updatedAt: POLICY.createdAt },
        headers: ['ETag', 'Location'],
      },
    },
    errors: ['conflict'],
  },
  'DELETE /storage/policies/:name': {
    ...tag,
    summary: 'Remove a storage policy',
    description: 'Answers with what it was. What was moved by it stays where it is.',
    answers: { 200: { schema: policy, example: POLICY } },
  },
  'GET /storage/legal-holds': {
    ...tag,
    summary: 'List legal holds, the newest first',
    query: { open: described(yesOrNo, 'Those that hold, or those that were released.') },
    answers: { 200: { schema: pageOf(hold), example: { items: [HOLD], nextCursor: null } } },
  },
  'POST /storage/legal-holds': {
    ...tag,
    summary: 'Forbid to remove something',
    description:
      'From the answer on nothing that it covers is archived, dropped or erased, until it is released. Removals under way are waited for. At least one of the fields besides `reason` is needed; `from` and `to` are ISO 8601 or milliseconds since 1970.',
    body: newHold,
    bodyExample: { deviceId: 'press-4', from: '2026-01-01T00:00:00Z', reason: 'Case 2026-17' },
    answers: { 201: { schema: hold, example: HOLD, headers: ['Location'] } },
    errors: ['conflict', 'lifecycle_conflict'],
  },
  'GET /storage/legal-holds/:id': {
    ...tag,
    summary: 'A legal hold',
    answers: { 200: { schema: hold, example: HOLD } },
  },
  'POST /storage/legal-holds/:id/release': {
    ...tag,
    summary: 'Release a legal hold',
    description: 'From then on policies count again for what it covered. Released ones stay listed.',
    body: object({ reason: text }),
    bodyExample: { reason: 'The case is closed' },
    answers: { 200: { schema: hold, example: RELEASED } },
    errors: ['conflict'],
  },
};
