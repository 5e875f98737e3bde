/** Which messages come from Skein itself, and which of the others are a sign that the device is in use. */
import type { Outcome, UplinkKind } from '../../contracts/uplinks.ts';

/** Not from the device itself: see contracts/uplinks.ts. */
export const OWN: ReadonlySet<UplinkKind> = new Set([
  'request',
  'receiving',
  'delivered',
  'undelivered',
  'tick',
  'turn',
]);

/** It has connected, or sent something that is stored. */
export const isSignOfLife = (kind: UplinkKind, { state }: Outcome): boolean =>
  state === 'opened' || (state === 'stored' && !OWN.has(kind) && kind !== 'disconnected');
