/** Hands a change of `desired` to the device's actor, which alone changes its twin, and waits until it is stored. */
import { deviceAddress } from '../../contracts/addresses.ts';
import { type ErrorType, SkeinError } from '../../contracts/errors.ts';
import { type DesiredAnswer, type DesiredChange, type DesiredRefusal, desiredPayload } from '../../contracts/twins.ts';
import type { DeadLetterReason, Ingress, Outcome } from '../../contracts/uplinks.ts';
import { unknownDevice } from '../../mixins/unknown-device.ts';

/** Resolves when it is stored, or was already. Rejects with an error of the table. */
export async function desire(ingress: Ingress, tenant: string, id: string, change: DesiredChange): Promise<void> {
  const uplink = {
    address: deviceAddress(tenant, id),
    session: 0,
    receivedAtMs: Date.now(),
    kind: 'desired',
    topic: '',
    contentType: 'application/json',
    payload: desiredPayload(change),
  } as const;
  const outcome = await new Promise<Outcome>(resolve => ingress.receive(uplink, resolve));
  const refusal = refusalOf(id, outcome);
  if (refusal !== undefined) throw refusal;
}

const OF_THE_ACTOR: Record<DesiredRefusal, ErrorType> = {
  invalid_patch: 'invalid_request',
  too_large: 'too_large',
  stale_version: 'stale_version',
  lifecycle_conflict: 'lifecycle_conflict',
};
/** Any other reason is a defect of ours. */
const OF_THE_HOST: Partial<Record<DeadLetterReason, ErrorType>> = {
  refused_by_database: 'invalid_request',
  quarantined: 'unavailable',
};

function refusalOf(id: string, outcome: Outcome): SkeinError | undefined {
  switch (outcome.state) {
    case 'answered': {
      const answer = outcome.answer as DesiredAnswer;
      if (!('error' in answer)) return undefined;
      return new SkeinError(OF_THE_ACTOR[answer.error], answer.detail, { version: answer.version });
    }
    case 'rejected':
      if (outcome.reason === 'device_unknown') return unknownDevice(id);
      return new SkeinError(OF_THE_HOST[outcome.reason] ?? 'internal', outcome.detail);
    case 'overloaded':
      return new SkeinError('overloaded', 'It was not changed; send it again later');
    default:
      return new SkeinError('unknown_outcome', 'It is not known whether it was changed');
  }
}
