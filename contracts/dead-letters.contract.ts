import { action, contract } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { DeadLetterReason } from './uplinks.ts';

export type DeadLetterView = {
  id: string;
  deviceId: string;
  kind: string;
  topic: string;
  contentType: string;
  reason: DeadLetterReason;
  detail: string;
  /** UTF-8 text when it is text, else base64; `payloadEncoding` says which. */
  payload: string;
  payloadEncoding: 'utf8' | 'base64';
  payloadBytes: number;
  receivedAt: string;
  replayedAt: string | null;
};

export const deadLetters = contract('dead-letters', {
  /** Newest first. */
  list: action(
    {
      limit: 'number|optional|integer',
      cursor: 'string|optional',
      deviceId: 'string|optional',
      reason: 'string|optional',
    },
    { needs: 'dead-letters:read', of: 'devices' },
  ).returns<Page<DeadLetterView>>(),
  get: action({ id: 'string' }, { needs: 'dead-letters:read', of: 'devices' }).returns<DeadLetterView>(),
  /** Sends it through the device's actor again. `stored` or `duplicate` marks it replayed; else it stays, with the reason. */
  replay: action({ id: 'string' }, { needs: 'dead-letters:replay', of: 'devices' }).returns<{
    id: string;
    state: string;
    reason: string | null;
  }>(),
});
