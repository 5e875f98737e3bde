import type { Descriptions } from './description.ts';
import { described, listOf, object, ref, text } from './schemas/shapes.ts';

export const eventDescriptions: Descriptions = {
  'GET /events': {
    tag: 'Events',
    summary: 'What happened, to be read on for ever',
    description:
      'The oldest first. `nextCursor` is always there: read on with it. `events_gone`: events behind the cursor were removed because of their age.',
    query: {
      wait: {
        description: 'Seconds that the answer may wait for an event when there is none.',
        type: 'number',
        minimum: 0,
      },
    },
    answers: {
      200: {
        schema: object({ items: listOf(ref('Event')), nextCursor: described(text, 'Where to read on.') }),
        example: {
          items: [
            {
              id: '741:0',
              kind: 'device.status',
              at: '2026-03-01T06:15:00.000Z',
              deviceId: 'press-4',
              data: { status: 'online', session: 12, reason: null },
            },
          ],
          nextCursor: 'WyI3NDEiLDBd',
        },
      },
    },
    errors: ['events_gone'],
  },
};
