import type { Descriptions } from './description.ts';
import { pageOf, ref } from './schemas/shapes.ts';

const SESSION = {
  deviceId: 'press-4',
  status: 'online',
  session: 12,
  nodeId: 'node-1',
  protocol: 'mqtts',
  peer: '198.51.100.7:51844',
  connectedAt: '2026-03-01T06:15:00.000Z',
  disconnectedAt: null,
  reason: null,
  receives: ['commands', 'desired'],
};

export const sessionDescriptions: Descriptions = {
  'GET /devices/:id/session': {
    tag: 'Sessions',
    summary: "A device's newest session",
    description: 'Of one that never connected: `offline`, with nulls.',
    answers: { 200: { schema: ref('Session'), example: SESSION } },
  },
  'GET /sessions': {
    tag: 'Sessions',
    summary: 'The newest sessions of all devices',
    description: 'By the ids of the devices.',
    answers: { 200: { schema: pageOf(ref('Session')), example: { items: [SESSION], nextCursor: null } } },
  },
};
