import type { Descriptions } from './description.ts';
import { count, described, object, oneOf, pageOf, time } from './schemas/shapes.ts';

const tag = 'Security';
const sealsFrom = described(time, 'When it begins to seal: until then every node reads it.');

const dataKey = object({
  id: count,
  state: described(
    oneOf(['waiting', 'current', 'old']),
    '`waiting`: it seals from `sealsFrom` on. `current`: it seals. `old`: what it sealed is being sealed anew, then it goes.',
  ),
  createdAt: time,
  sealsFrom,
  secrets: described(count, 'How many secrets are sealed with it.'),
});

export const securityDescriptions: Descriptions = {
  'GET /security/data-keys': {
    tag,
    summary: 'The keys that seal secrets in the database, the newest first; nothing of the keys themselves.',
    description:
      'For the organization that runs the system only. It counts what is sealed, so it is not for asking often.',
    answers: {
      200: {
        schema: pageOf(dataKey),
        example: {
          items: [
            {
              id: 2,
              state: 'current',
              createdAt: '2026-01-01T12:00:00.000Z',
              sealsFrom: '2026-01-01T12:00:30.000Z',
              secrets: 41,
            },
            {
              id: 1,
              state: 'old',
              createdAt: '2025-01-01T12:00:00.000Z',
              sealsFrom: '2025-01-01T12:00:00.000Z',
              secrets: 3,
            },
          ],
          nextCursor: null,
        },
      },
    },
  },
  'POST /security/data-keys/rotate': {
    tag,
    summary: 'A new key that seals secrets, and everything is sealed anew with it',
    description:
      'For the organization that runs the system only. It answers at once and goes on in the background; `GET /security/data-keys` shows how far it is. One that waits already is not made again. `conflict` while a node has another key of the system, or when there are too many data keys.',
    answers: {
      200: {
        schema: object({ id: count, sealsFrom }),
        example: { id: 2, sealsFrom: '2026-01-01T12:00:30.000Z' },
      },
    },
    errors: ['conflict'],
  },
};
