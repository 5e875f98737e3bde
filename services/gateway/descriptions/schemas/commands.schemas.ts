import { COMMAND_MODES, COMMAND_STATES, PRIORITIES } from '../../../../contracts/commands.ts';
import { ITEM_STATES, JOB_STATES } from '../../../../contracts/jobs.contract.ts';
import type { Schema } from '../description.ts';
import {
  anyObject,
  anything,
  count,
  described,
  listOf,
  mapOf,
  object,
  oneOf,
  text,
  textOrNull,
  time,
  timeOrNull,
  uuid,
  uuidOrNull,
} from './shapes.ts';

const COMMAND = object({
  id: uuid,
  deviceId: text,
  command: text,
  parameters: anyObject,
  mode: described(
    oneOf(COMMAND_MODES),
    '`retry`: sent again until it is answered or its deadline passes. `once`: never again.',
  ),
  priority: oneOf(PRIORITIES),
  supersedes: described(textOrNull, 'The newest command of a device with this key replaces those that wait.'),
  state: oneOf(COMMAND_STATES),
  attempt: described(count, 'How often it was sent.'),
  createdAt: time,
  deadline: time,
  endedAt: timeOrNull,
  result: described(anything, 'What the device answered.'),
  error: described(anything, 'What the device answered.'),
  jobId: uuidOrNull,
  resendOf: uuidOrNull,
  requestedBy: described(text, 'Who asked: `user <id>` or `application <id>`.'),
  history: listOf(object({ state: oneOf(COMMAND_STATES), at: time, attempt: count, reason: textOrNull })),
});

const TARGET: Schema = {
  description: 'Which devices: exactly one of these.',
  oneOf: [
    object({ group: text }),
    object({ type: text }),
    object({ tag: text }),
    object({ deviceIds: { type: 'array', items: text, minItems: 1 } }),
  ],
};

const summary = {
  id: uuid,
  kind: oneOf(['command', 'desired']),
  state: oneOf(JOB_STATES),
  target: {
    description: 'Of devices that were named one by one only how many there were.',
    oneOf: [object({ group: text }), object({ type: text }), object({ tag: text }), object({ deviceIds: count })],
  },
  total: count,
  pending: count,
  done: count,
  refused: count,
  createdAt: time,
  endedAt: timeOrNull,
};

const JOB = object({
  ...summary,
  request: { oneOf: [object({ command: anyObject }), object({ desired: anyObject })] },
  commands: {
    description: 'How many commands it made, by their state now. Null when it makes none.',
    anyOf: [{ ...mapOf(count), propertyNames: oneOf(COMMAND_STATES) }, { type: 'null' }],
  },
});

const JOB_ITEM = object({
  deviceId: text,
  state: oneOf(ITEM_STATES),
  commandId: described(uuidOrNull, 'The command that it made, or will.'),
  reason: described(textOrNull, 'Of a refused one: a stable word.'),
  detail: textOrNull,
});

export const commandSchemas = {
  Command: COMMAND,
  JobTarget: TARGET,
  JobSummary: object(summary),
  Job: JOB,
  JobItem: JOB_ITEM,
} as const;
