import type { CommandRecord } from '../../../contracts/commands.ts';
import type { Output } from '../../../contracts/downlinks.ts';
import type { DeviceAddress, SessionPlace } from '../../../contracts/uplinks.ts';
import { downlink } from '../downlink.ts';

/** What lets the newest attempt of a command out to the device. */
export function commandDownlink(record: CommandRecord, address: DeviceAddress, place: SessionPlace): Output {
  const { id, attempt } = record;
  return downlink(address, place, { kind: 'command', payload: messageOf(record), attempt: { id, attempt } });
}

/** A CommandMessage; its parameters are there as text already. */
const messageOf = ({ id, name, parametersJson, attempt, deadlineMs }: CommandRecord): string =>
  `{"id":${JSON.stringify(id)},"command":${JSON.stringify(name)},"parameters":${parametersJson},` +
  `"attempt":${attempt},"deadline":"${isoOf(deadlineMs)}"}`;

const isoOf = (ms: number): string => new Date(ms).toISOString();
