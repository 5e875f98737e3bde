import type { CommandMessage, CommandRecord } from '../../../contracts/commands.ts';
import type { Output } from '../../../contracts/downlinks.ts';
import type { DeviceAddress, SessionPlace } from '../../../contracts/uplinks.ts';

/** What lets the newest attempt of a command out to the device. */
export function commandDownlink(record: CommandRecord, address: DeviceAddress, place: SessionPlace): Output {
  const { id, attempt } = record;
  const message: CommandMessage = {
    id,
    command: record.name,
    parameters: record.parameters,
    attempt,
    deadline: isoOf(record.deadlineMs),
  };
  const { tenant, device } = address;
  const { session } = place;
  const payload = JSON.stringify(message);
  return {
    to: 'device',
    place,
    downlink: { tenant, device, session, kind: 'command', payload, attempt: { id, attempt } },
  };
}

const isoOf = (ms: number): string => new Date(ms).toISOString();
