import type { Descriptions } from './description.ts';

export const openApiDescriptions: Descriptions = {
  'GET /openapi.json': {
    tag: 'Health',
    summary: 'This document',
    answers: {
      200: {
        schema: { type: 'object', properties: { openapi: { const: '3.1.0' } }, required: ['openapi'] },
        example: { openapi: '3.1.0', info: { title: 'Skein', version: '0.1.0' }, paths: {} },
        headers: ['ETag'],
      },
    },
  },
};
