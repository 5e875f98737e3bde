import type { CommandRecord } from '../../../contracts/commands.ts';
import type { Output } from '../../../contracts/downlinks.ts';
import type { DeviceAddress, SessionPlace } from '../../../contracts/uplinks.ts';

/** What lets the newest attempt of a command out to the device. */
export function commandDownlink(record: CommandRecord, address: DeviceAddress, place: SessionPlace): Output {
  const { id, attempt } = record;
  const { tenant, device } = address;
  const { session } = place;
  const payload = messageOf(record);
  return {
    to: 'device',
    place,
    downlink: { tenant, device, session, kind: 'command', payload, attempt: { id, attempt } },
  };
}

/** A CommandMessage; its parameters are there as text already. */
const messageOf = ({ id, name, parametersJson, attempt, deadlineMs }: CommandRecord): string =>
  `{"id":${JSON.stringify(id)},"command":${JSON.stringify(name)},"parameters":${parametersJson},` +
  `"attempt":${attempt},"deadline":"${isoOf(deadlineMs)}"}`;

const isoOf = (ms: number): string => new Date(ms).toISOString();
