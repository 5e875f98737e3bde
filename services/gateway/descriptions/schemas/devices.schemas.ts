/** Devices, their lifecycle and their credentials. */
import { LIFECYCLE_STATES } from '../../../../contracts/devices.contract.ts';
import { DEVICE_SCOPES } from '../../../../contracts/permissions.ts';
import type { Schema } from '../description.ts';
import {
  anyObject,
  anything,
  count,
  described,
  listOf,
  object,
  oneOf,
  text,
  textOrNull,
  time,
  timeOrNull,
  uuid,
  uuidOrNull,
} from './shapes.ts';

export const state = oneOf(LIFECYCLE_STATES);
const scopes: Schema = {
  type: ['array', 'null'],
  items: oneOf(Object.keys(DEVICE_SCOPES)),
  description: 'What it may do; null: everything that a device may.',
};
const runningOrDone = object({ state: oneOf(['running', 'done']), startedAt: time, doneAt: timeOrNull });

/** Of those that may be said and of those that are shown. */
export const deviceFields = {
  name: textOrNull,
  type: textOrNull,
  location: anything,
  metadata: anyObject,
  tags: listOf(text),
  capabilities: described(listOf(text), 'What it can do, by name.'),
  commandWindow: {
    type: ['integer', 'null'],
    minimum: 1,
    description: 'How many commands may be under way to it at once; null: as many as is usual.',
  },
} as const satisfies Record<string, Schema>;

const key = {
  id: text,
  name: textOrNull,
  scopes,
  createdAt: time,
  expiresAt: described(timeOrNull, 'Null: it does not end by itself.'),
  lastUsedAt: timeOrNull,
  revokedAt: timeOrNull,
};

export const deviceSchemas = {
  Device: object({
    id: text,
    ...deviceFields,
    state,
    stateReason: textOrNull,
    stateChangedAt: time,
    claimedBy: described(uuidOrNull, 'The user who has claimed it.'),
    erasedAt: timeOrNull,
    erasure: described({ oneOf: [runningOrDone, { type: 'null' }] }, 'Null: nobody has asked for it.'),
    version: count,
    createdAt: time,
    updatedAt: time,
  }),
  LifecycleStep: object({
    from: { enum: [...LIFECYCLE_STATES, null] },
    to: state,
    reason: textOrNull,
    changedBy: described(text, '`user`, `application` or `device` with its id, or `system`.'),
    at: time,
  }),
  DeviceKey: object(key),
  DeviceToken: object({
    id: uuid,
    scopes,
    createdAt: time,
    expiresAt: time,
    revokedAt: timeOrNull,
  }),
  DeviceConfiguration: object({
    mqttBroker: described(text, 'A URL: `mqtts:` when the system listens with TLS.'),
    httpUrl: text,
    reportingIntervalSeconds: count,
    topics: object({ telemetry: text, state: text, commands: text, commandAnswers: text, desired: text }),
  }),
} as const satisfies Record<string, Schema>;
