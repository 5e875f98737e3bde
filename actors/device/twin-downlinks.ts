/** What a device is told of its twin. */
import type { DownlinkKind, Output } from '../../contracts/downlinks.ts';
import type { TwinRecord } from '../../contracts/twins.ts';
import type { DeviceAddress, SessionPlace } from '../../contracts/uplinks.ts';
import { delta } from './merge-patch.ts';

const deltaOf = ({ desired, reported }: TwinRecord) => delta(desired.document, reported.document);
const isEmpty = (value: object): boolean => Object.keys(value).length === 0;

/** Whether something is desired that is not reported. */
export const differs = (twin: TwinRecord | null): boolean => twin !== null && !isEmpty(deltaOf(twin));

/** Whether something differs in the second twin that did not differ, or not so, in the first one. */
export const makesNewDelta = (before: TwinRecord, after: TwinRecord): boolean =>
  after.desired.version > 0 && !isEmpty(delta(deltaOf(after), deltaOf(before)));

export const desiredDownlink = (twin: TwinRecord, address: DeviceAddress, place: SessionPlace): Output =>
  downlink('desired', { version: twin.desired.version, delta: deltaOf(twin) }, address, place);

export const twinDownlink = (twin: TwinRecord, address: DeviceAddress, place: SessionPlace): Output => {
  const { reported, desired } = twin;
  const told = {
    reported: reported.document,
    reportedVersion: reported.version,
    desired: desired.document,
    desiredVersion: desired.version,
    delta: deltaOf(twin),
  };
  return downlink('twin', told, address, place);
};

const downlink = (
  kind: DownlinkKind,
  told: object,
  { tenant, device }: DeviceAddress,
  place: SessionPlace,
): Output => ({
  to: 'device',
  place,
  downlink: { tenant, device, session: place.session, kind, payload: JSON.stringify(told), attempt: null },
});
