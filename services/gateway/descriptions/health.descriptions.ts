import type { Descriptions } from './description.ts';
import { count, mapOf, object, oneOf, ref, text } from './schemas/shapes.ts';

const REPORTS = {
  database: { condition: 'healthy', figures: { roundTripMs: 2 } },
  actors: { condition: 'degraded', detail: 'The lanes are behind', figures: { actors: 120_000 } },
};

export const healthDescriptions: Descriptions = {
  'GET /health': {
    tag: 'Health',
    summary: 'How the system is',
    answers: {
      200: { schema: object({ status: oneOf(['healthy', 'degraded']) }), example: { status: 'healthy' } },
      503: { schema: object({ status: { const: 'unhealthy' } }), example: { status: 'unhealthy' } },
    },
  },
  'GET /health/live': {
    tag: 'Health',
    summary: 'Whether the process handles requests',
    answers: { 200: { schema: object({ status: { const: 'alive' } }), example: { status: 'alive' } } },
  },
  'GET /health/ready': {
    tag: 'Health',
    summary: 'Whether the process can work',
    answers: {
      200: { schema: object({ ready: { const: true } }), example: { ready: true } },
      503: {
        schema: object({ ready: { const: false }, reason: text }, ['reason']),
        example: { ready: false, reason: 'starting' },
      },
    },
  },
  'GET /health/devices': {
    tag: 'Health',
    summary: 'How many devices there are, and are connected',
    description:
      '`activeActors` are those in the memory of this process; the rest is of the organization, on all nodes.',
    answers: {
      200: {
        schema: object({ registered: mapOf(count), connected: count, activeActors: count }),
        example: { registered: { registered: 12, active: 108 }, connected: 97, activeActors: 110 },
      },
    },
  },
  'GET /health/services': {
    tag: 'Health',
    summary: 'What each service says of itself',
    answers: { 200: { schema: mapOf(ref('HealthReport')), example: REPORTS } },
  },
  'GET /health/system': {
    tag: 'Health',
    summary: 'The condition of the whole, what each service says, and figures of the process',
    answers: {
      200: {
        schema: object({
          condition: ref('Condition'),
          services: mapOf(ref('HealthReport')),
          figures: ref('Figures'),
        }),
        example: { condition: 'degraded', services: REPORTS, figures: { uptimeSeconds: 86_400 } },
      },
    },
  },
  'GET /metrics': {
    tag: 'Health',
    summary: 'Figures of this process, for Prometheus',
    answers: {
      200: {
        schema: text,
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        example: '# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 183500800\n',
      },
    },
  },
};
