/** A device actor with a connection that takes commands, and ways to tell it things. */
import type { DeviceActor } from '../../../actors/device/device.actor.ts';
import type { Surroundings } from '../../../actors/device/surroundings.ts';
import type { CommandOrder, CommandRecord } from '../../../contracts/commands.ts';
import { type Downlink, RECEIVES } from '../../../contracts/downlinks.ts';
import { jsonPayload } from '../../../contracts/json.ts';
import type { CommandAnswer } from '../../../contracts/requests.ts';
import type { DeviceRecord, Effects } from '../../../contracts/store.ts';
import type { UplinkKind } from '../../../contracts/uplinks.ts';
import { NOW_MS, uplink } from '../runtime/uplinks.ts';
import { newActor, around as usual } from './new-actor.ts';

export const HOUR_MS = 3_600_000;

/** A command of an hour, asked for at NOW_MS. */
export const newOrder = (id: string, more: Partial<CommandOrder> = {}): CommandOrder => ({
  id,
  shard: 1,
  name: 'reboot',
  parametersJson: '{}',
  mode: 'retry',
  priority: 2,
  supersedes: null,
  createdAtMs: NOW_MS,
  deadlineMs: NOW_MS + HOUR_MS,
  idempotencyKey: null,
  requestHash: null,
  jobId: null,
  resendOf: null,
  requestedBy: 'k1',
  ...more,
});

/** A connection, number 4, that takes commands and what is desired. */
export const CONNECTED = {
  session: 4,
  instanceId: 'i',
  address: 'front',
  connected: true,
  receives: RECEIVES.command | RECEIVES.desired,
} as const;

export class Commanded {
  readonly actor: DeviceActor;
  readonly around: Surroundings;
  atMs = NOW_MS;
  /** How far the clock of who tells things is from that of the host. */
  skewMs = 0;
  readonly connectedSession = CONNECTED;
  session: number = CONNECTED.session;

  constructor(record: Partial<DeviceRecord> = {}, around: Partial<Surroundings> = {}) {
    this.actor = newActor({ session: CONNECTED, ...record });
    this.around = { ...usual, nowMs: () => this.atMs, ...around };
  }

  tell(kind: UplinkKind, payload: unknown, session = 0): Effects {
    const more = { kind, session, receivedAtMs: this.atMs + this.skewMs };
    return this.actor.receive(uplink('d', jsonPayload(payload), more), this.around);
  }

  order(id: string, more: Partial<CommandOrder> = {}, notify: string | null = null): Effects {
    return this.tell('request', { type: 'command', order: newOrder(id, more), notify });
  }

  cancel(id: string): Effects {
    return this.tell('request', { type: 'cancel', id, reason: 'not needed' });
  }

  ack(id: string, status = 'succeeded', more: object = {}): Effects {
    return this.tell('ack', { id, status, ...more }, this.session);
  }

  delivered(id: string, attempt = 1): Effects {
    return this.tell('delivered', { id, attempt }, this.session);
  }

  undelivered(id: string, attempt = 1, why = 'gone'): Effects {
    return this.tell('undelivered', { id, attempt, why });
  }

  /** It connects again, and takes these. */
  connects(receives = RECEIVES.command | RECEIVES.desired): Effects {
    this.session++;
    this.tell('connected', { instanceId: 'i', address: 'front', nodeId: 'n', protocol: 'mqtt', peer: 'p' });
    return this.tell('receiving', { receives }, this.session);
  }

  disconnects(): Effects {
    return this.tell('disconnected', { reason: 'connection_lost' }, this.session);
  }

  tick(afterMs = 0): Effects {
    this.atMs += afterMs;
    return this.tell('tick', {});
  }

  turn(): Effects {
    return this.tell('turn', {});
  }
}

/** What goes down to the device: `id attempt` of each command. */
export const sent = (effects: Effects): string[] =>
  downlinks(effects).flatMap(({ attempt }) => (attempt === null ? [] : [`${attempt.id} ${attempt.attempt}`]));
export const downlinks = ({ outputs }: Effects): Downlink[] =>
  outputs.flatMap(output => (output.to === 'device' ? [output.downlink] : []));
/** What is written of commands: `id state attempt`. */
export const written = ({ commands }: Effects): string[] =>
  commands.map(({ record: { id, state, attempt } }) => `${id} ${state} ${attempt}`);
export const recordOf = ({ commands }: Effects, id: string): CommandRecord =>
  commands.find(({ record }) => record.id === id)!.record;
export const answerOf = ({ outcome }: Effects): CommandAnswer =>
  outcome.state === 'answered' ? (outcome.answer as CommandAnswer) : { error: 'not_open', detail: outcome.state };
export const refusalOf = (effects: Effects): string => {
  const answer = answerOf(effects);
  return 'error' in answer ? answer.error : 'none';
};
