/** Downlinks for the device `d1`, as its actor lets them out. */
import type { Downlink } from '../../../../contracts/downlinks.ts';
import type { RawClient } from '../../../support/raw-client.ts';

export const COMMANDS = 'devices/d1/commands';
export const DESIRED = 'devices/d1/state/desired';
export const TWIN = 'devices/d1/state/get/response';

const DOWNLINK: Downlink = {
  tenant: 'default',
  device: 'd1',
  session: 1,
  kind: 'command',
  payload: '{}',
  attempt: null,
};
export const downlink = (more: Partial<Downlink> = {}): Downlink => ({ ...DOWNLINK, ...more });
export const command = (id: string, more: Partial<Downlink> = {}): Downlink =>
  downlink({ payload: JSON.stringify({ id }), attempt: { id, attempt: 1 }, ...more });

export const published = ({ packets }: RawClient) => packets.filter(({ cmd }) => cmd === 'publish');
export const payloadsOf = (client: RawClient): string[] => published(client).map(({ payload }) => payload.toString());
export const idsOf = (client: RawClient): string[] => payloadsOf(client).map(text => JSON.parse(text).id);

export function unsubscribe(client: RawClient, filters: readonly string[]): void {
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: filters });
}
