import { action, contract } from './contract.ts';

export const gateway = contract('gateway', {
  /** Answers as long as the process handles requests at all. */
  live: action({}, { needs: 'anyone' }).returns<{ status: 'alive' }>(),
  /** What REST can do, as an OpenAPI document (JSON text), and its ETag. */
  openApi: action({}, { needs: 'anyone' }).returns<{ text: string; etag: string }>(),
});
