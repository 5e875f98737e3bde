import { COMMAND_MODES, COMMAND_STATES, PRIORITIES } from '../../../../contracts/commands.ts';
import type { Schema } from '../description.ts';
import { anyObject, count, described, listOf, object, oneOf, ref, text, time, uuid } from './shapes.ts';

const LEAF_TIMES: Schema = {
  type: 'object',
  description: 'Beside each leaf of a document, in the same shape: when it got its value, milliseconds since 1970.',
  additionalProperties: { anyOf: [{ type: 'number' }, { $ref: '#/components/schemas/LeafTimes' }] },
};

const twin = {
  deviceId: text,
  reported: anyObject,
  reportedVersion: count,
  desired: anyObject,
  desiredVersion: count,
  delta: described(anyObject, 'What of `desired` the device does not report yet: a merge patch that would make it so.'),
  timestamps: object({ reported: ref('LeafTimes'), desired: ref('LeafTimes') }),
};

const PAST_COMMAND = object({
  id: uuid,
  command: text,
  state: oneOf(COMMAND_STATES),
  attempt: count,
  createdAt: time,
  deadline: time,
  priority: oneOf(PRIORITIES),
  mode: oneOf(COMMAND_MODES),
});

export const twinSchemas = {
  LeafTimes: LEAF_TIMES,
  Twin: object(twin),
  PastTwin: object({
    ...twin,
    at: time,
    openCommands: {
      description: 'The oldest first. Null: commands that were open then may be removed by now.',
      anyOf: [listOf(PAST_COMMAND), { type: 'null' }],
    },
  }),
} as const;
