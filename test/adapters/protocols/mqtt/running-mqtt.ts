/** A real adapter on a free port, with an ingress and keys that the test writes. */

import type { Server } from 'node:http';
import type { TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ConnectLimits, connectLimits } from '../../../../adapters/limits/connect-limits.ts';
import { MqttProtocol } from '../../../../adapters/protocols/mqtt/mqtt.protocol.ts';
import type { FrontBus } from '../../../../adapters/protocols/mqtt/nodes/front-nodes.ts';
import type { Place, ProtocolHost } from '../../../../adapters/protocols/protocol.ts';
import type { Principal } from '../../../../contracts/access.contract.ts';
import { SkeinError } from '../../../../contracts/errors.ts';
import { readJsonPayload } from '../../../../contracts/json.ts';
import { LIMITS, type Limits } from '../../../../contracts/limits.ts';
import type { Connection, Disconnection } from '../../../../contracts/sessions.ts';
import {
  DUPLICATE,
  type Ingress,
  type Outcome,
  type SessionPlace,
  STORED,
  type Uplink,
} from '../../../../contracts/uplinks.ts';
import { limitFor } from '../../../../mixins/access-control.ts';
import { ownDevice, program } from '../../../support/principals.ts';

/**
 * Settles what it is given as `outcomeOf` says; what that leaves undefined is held until `settle`. Sessions it numbers as the
 * actors of devices do, one after the other, unless `sessionOutcomeOf` says something else.
 */
export class ScriptedIngress implements Ingress {
  /** What devices sent. */
  readonly received: Uplink[] = [];
  /** Connects and disconnects. */
  readonly sessions: Uplink[] = [];
  /** What the adapter itself tells of sessions: what they take, and what was delivered. */
  readonly told: Uplink[] = [];
  /** Everything, as it came. */
  readonly all: Uplink[] = [];
  readonly #newest = new Map<string, SessionPlace>();
  readonly held: ((outcome: Outcome) => void)[] = [];
  fill = 0;
  outcomeOf: (uplink: Uplink) => Outcome | undefined = ({ refused }) =>
    refused ? { state: 'rejected', ...refused } : STORED;

  sessionOutcomeOf: (uplink: Uplink) => Outcome | undefined = uplink => this.track(uplink);

  /** Undefined: held until `settle`. */
  toldOutcomeOf: (uplink: Uplink) => Outcome | undefined = () => STORED;

  /** As `kind session content`. */
  get toldTexts(): string[] {
    return this.told.map(({ kind, session, payload }) => `${kind} ${session} ${Buffer.from(payload)}`);
  }

  receive(uplink: Uplink, settled: (outcome: Outcome) => void): void {
    this.all.push(uplink);
    if (uplink.kind === 'receiving' || uplink.kind === 'delivered') {
      this.told.push(uplink);
      return this.#answer(this.toldOutcomeOf(uplink), settled);
    }
    const isSession = uplink.kind === 'connected' || uplink.kind === 'disconnected';
    (isSession ? this.sessions : this.received).push(uplink);
    this.#answer(isSession ? this.sessionOutcomeOf(uplink) : this.outcomeOf(uplink), settled);
  }

  #answer(outcome: Outcome | undefined, settled: (outcome: Outcome) => void): void {
    if (outcome) setImmediate(settled, outcome);
    else this.held.push(settled);
  }

  /** What an actor answers to a connect or a disconnect. */
  track({ kind, address: { key }, session, payload }: Uplink): Outcome {
    const before = this.#newest.get(key);
    if (kind === 'disconnected') return before?.session === session && this.#newest.delete(key) ? STORED : DUPLICATE;
    const { instanceId, address } = readJsonPayload<Connection>(payload);
    const place = { session: ++this.lastSession, instanceId, address };
    this.#newest.set(key, place);
    return { state: 'opened', session: place.session, replaced: before ?? null };
  }

  lastSession = 0;

  /** The ends of sessions, as `number reason`. */
  get ended(): string[] {
    return this.sessions
      .filter(({ kind }) => kind === 'disconnected')
      .map(({ session, payload }) => `${session} ${readJsonPayload<Disconnection>(payload).reason}`);
  }

  load(): number {
    return this.fill;
  }

  settle(outcome: Outcome = STORED): void {
    for (const settled of this.held.splice(0)) settled(outcome);
  }

  get texts(): string[] {
    return this.received.map(({ payload }) => Buffer.from(payload).toString());
  }
}

export type Running = {
  protocol: MqttProtocol;
  ingress: ScriptedIngress;
  port: number;
  errors: unknown[];
  /** Sessions that other nodes were asked to close, as `address tenant/device session`. */
  closedElsewhere: string[];
};
export const PLACE = { instanceId: 'run-1', address: 'node-1-run-1', nodeId: 'node-1' };
export type Options = {
  limits?: Partial<Limits>;
  http?: Server;
  now?: () => number;
  authenticate?: ProtocolHost['authenticate'];
  fits?: ProtocolHost['fits'];
  connectLimits?: ConnectLimits;
  ingress?: ScriptedIngress;
  place?: Place;
  messageQuota?: (tenantId: number) => number;
  bus?: FrontBus;
};

/** Keys of these tests: `device` is every device's, `application` every application's; a `tenant/` comes by the username. */
export async function keys(key: string, username: string): Promise<Principal> {
  const [tenant, name] = username.includes('/') ? (username.split('/') as [string, string]) : ['default', username];
  const tenantId = tenant === 'default' ? 1 : 2;
  if (key === 'device') return ownDevice(tenantId, tenant, name);
  if (key === 'application') return program(tenantId, tenant);
  throw new SkeinError('unauthorized', 'The key is not valid');
}

/** Stopped when the test ends. A defect that the adapter logged fails the test. */
export async function startMqtt(t: TestContext, options: Options = {}): Promise<Running> {
  const errors: unknown[] = [];
  const ingress = options.ingress ?? new ScriptedIngress();
  const closedElsewhere: string[] = [];
  const quiet = () => {};
  const limits = { ...LIMITS, ...options.limits };
  const protocol = new MqttProtocol(
    {
      ingress,
      place: options.place ?? PLACE,
      closeElsewhere: (address, { tenant, device, session }) =>
        void closedElsewhere.push(`${address} ${tenant}/${device} ${session}`),
      authenticate: options.authenticate ?? keys,
      connectLimits: options.connectLimits ?? connectLimits(limits, undefined),
      messageQuota:
        options.messageQuota ?? (() => options.limits?.tenantMessagesPerSecond ?? LIMITS.tenantMessagesPerSecond),
      limitOf: (principal, permission) => limitFor(principal, [permission]),
      fits: options.fits ?? (() => Promise.reject(new Error('no role is limited in this test'))),
      limits,
      log: { debug: quiet, info: quiet, warn: quiet, error: (...told: unknown[]) => void errors.push(told) } as never,
      now: options.now ?? Date.now,
    },
    { host: '127.0.0.1', port: 0, http: options.http, bus: options.bus },
  );
  await protocol.start();
  t.after(async () => {
    await protocol.stop();
    if (errors.length > 0) throw new Error(`defects were logged: ${JSON.stringify(errors)}`);
  });
  return { protocol, ingress, port: protocol.ports.mqtt!, errors, closedElsewhere };
}

/** Far longer than anything here takes: only a failure waits for so long. */
const PATIENCE_MS = 20_000;

/** Waits for what happens in other turns of the event loop. Rejects when it does not happen. */
export async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`did not come true: ${holds}`);
    await nextTurn();
  }
}
