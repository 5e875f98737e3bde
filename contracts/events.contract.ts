import { action, contract, event, typed } from './contract.ts';
import { DEVICE_EVENT_KINDS, type DeviceEvent, type DeviceEventKind } from './events.ts';

/** As programs read it. Times are ISO 8601, UTC. */
export type EventView = {
  /** Names the event, for ever. */
  id: string;
  kind: DeviceEventKind;
  at: string;
  deviceId: string;
  data: DeviceEvent['data'];
};
/** `nextCursor` is always there: reading goes on for ever. */
export type EventPage = { items: EventView[]; nextCursor: string };

export const events = contract('events', {
  /**
   * The oldest first. Without `cursor`: from the oldest that is kept, or with `from` from now on. `wait`: seconds that the answer may wait
   * for an event when there is none. Rejects with `events_gone` when events behind the cursor were removed.
   */
  list: action(
    {
      limit: 'number|optional|integer',
      cursor: 'string|optional',
      from: { type: 'enum', values: ['latest'], optional: true },
      kind: typed<DeviceEventKind | undefined>({ type: 'enum', values: DEVICE_EVENT_KINDS, optional: true }),
      deviceId: 'string|optional',
      wait: 'number|optional|min:0',
    },
    { needs: 'events:read', of: 'devices' },
  ).returns<EventPage>(),
});

/** As services hear it. */
type Told<K extends DeviceEventKind> = {
  readonly id: string;
  readonly tenant: string;
  readonly deviceId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
} & Extract<DeviceEvent, { kind: K }>['data'];

/**
 * The same events for the services of Skein, on every node that listens, in their order. There is no service of this name: the
 * service `events` says them. A bus may lose them and they may come twice; whoever must not miss any reads (docs/events.md).
 */
export const device = contract('device', {
  status: event<Told<'device.status'>>(),
  update: event<Told<'device.update'>>(),
  command: event<Told<'device.command'>>(),
});
