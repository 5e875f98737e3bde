/** What a device is told of its twin. */
import type { Output } from '../../contracts/downlinks.ts';
import type { JsonObject } from '../../contracts/json.ts';
import type { TwinRecord } from '../../contracts/twins.ts';
import type { DeviceAddress, SessionPlace } from '../../contracts/uplinks.ts';
import { downlink } from './downlink.ts';
import { delta } from './merge-patch.ts';

const deltaOf = ({ desired, reported }: TwinRecord): JsonObject => delta(desired.document, reported.document);
const isEmpty = (value: object): boolean => Object.keys(value).length === 0;

/** Whether something is desired that is not reported. */
export const differs = (twin: TwinRecord | null): boolean => twin !== null && !isEmpty(deltaOf(twin));

/** The delta of the second twin, if something differs in it that did not differ, or not so, in the first one; null: nothing does. */
export function newDelta(before: TwinRecord, after: TwinRecord): JsonObject | null {
  if (after.desired.version === 0) return null;
  const differing = deltaOf(after);
  return isEmpty(delta(differing, deltaOf(before))) ? null : differing;
}

/** Null: nothing differs. */
export function desiredDownlink(
  twin: TwinRecord,
  address: DeviceAddress,
  place: SessionPlace,
  differing = deltaOf(twin),
): Output | null {
  if (isEmpty(differing)) return null;
  const payload = JSON.stringify({ version: twin.desired.version, delta: differing });
  return downlink(address, place, { kind: 'desired', payload, attempt: null });
}

export function twinDownlink(twin: TwinRecord, address: DeviceAddress, place: SessionPlace): Output {
  const { reported, desired } = twin;
  const payload = JSON.stringify({
    reported: reported.document,
    reportedVersion: reported.version,
    desired: desired.document,
    desiredVersion: desired.version,
    delta: deltaOf(twin),
  });
  return downlink(address, place, { kind: 'twin', payload, attempt: null });
}
