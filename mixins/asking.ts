/** Asks a device's actor for something, on whatever node it lives, and waits until what came of it is stored. */
import { deviceAddress } from '../contracts/addresses.ts';
import { type ErrorType, SkeinError } from '../contracts/errors.ts';
import { jsonPayload } from '../contracts/json.ts';
import type { AnswerTo, DeviceRequest } from '../contracts/requests.ts';
import type { DeadLetterReason, Ingress, Outcome } from '../contracts/uplinks.ts';
import { unknownDevice } from './unknown-device.ts';

/**
 * What the actor answers, refusals included. Rejects with an error of the table when it did not get to answer.
 *
 * @param refusedByDatabase what it means when the database takes all but the content of this
 */
export async function ask<R extends DeviceRequest>(
  ingress: Ingress,
  tenant: string,
  id: string,
  request: R,
  refusedByDatabase: ErrorType = 'invalid_request',
): Promise<AnswerTo<R['type']>> {
  const uplink = {
    address: deviceAddress(tenant, id),
    session: 0,
    receivedAtMs: Date.now(),
    kind: 'request',
    topic: '',
    contentType: 'application/json',
    payload: jsonPayload(request),
  } as const;
  const outcome = await new Promise<Outcome>(resolve => ingress.receive(uplink, resolve));
  if (outcome.state === 'answered') return outcome.answer as AnswerTo<R['type']>;
  throw failureOf(id, outcome, refusedByDatabase);
}

function failureOf(id: string, outcome: Outcome, refusedByDatabase: ErrorType): SkeinError {
  if (outcome.state === 'rejected') {
    if (outcome.reason === 'device_unknown') return unknownDevice(id);
    return new SkeinError(typeOf(outcome.reason, refusedByDatabase), outcome.detail);
  }
  if (outcome.state === 'overloaded') return new SkeinError('overloaded', 'It was not done; send it again later');
  return new SkeinError('unknown_outcome', 'It is not known whether it was done');
}

function typeOf(reason: DeadLetterReason, refusedByDatabase: ErrorType): ErrorType {
  if (reason === 'refused_by_database') return refusedByDatabase;
  // Any other reason is a defect of ours.
  return reason === 'quarantined' ? 'unavailable' : 'internal';
}
