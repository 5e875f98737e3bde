/** Puts a device together from its options. */
import { idIn } from './commands/answer.ts';
import { CommandExecutor } from './commands/command-executor.ts';
import type { CommandMessage } from './commands/command-message.ts';
import { type CommandMemory, CommandRing } from './commands/command-ring.ts';
import { DesiredState } from './desired-state.ts';
import { Reconnector } from './link/reconnector.ts';
import { Sender } from './link/sender.ts';
import { type Topics, topicsOf } from './link/topics.ts';
import type { DesiredDelta, DeviceLimits, DeviceOptions } from './options.ts';
import type { Opening } from './storage/open-records.ts';
import { Spool } from './storage/spool.ts';
import { TwinQuestion } from './twin-question.ts';

export type Hooks = {
  readonly onConnected: () => void;
  readonly onDisconnected: (reasonCode: number | null) => void;
  readonly onCommand: (command: CommandMessage) => void;
  readonly onDesired: (delta: DesiredDelta, version: number) => void;
  readonly onSent: () => void;
  readonly onError: (error: unknown) => void;
  readonly report: (patch: DesiredDelta) => Promise<void>;
};
type Settings = { readonly options: DeviceOptions; readonly limits: DeviceLimits; readonly hooks: Hooks };
type Storage = { readonly spool: Spool; readonly ring: CommandMemory };
export type DeviceParts = Storage & {
  readonly executor: CommandExecutor;
  readonly desired: DesiredState;
  readonly reconnector: Reconnector;
  readonly twin: TwinQuestion;
  readonly topics: Topics;
};

export function partsOf(settings: Settings): DeviceParts {
  const { options, limits, hooks } = settings;
  const topics = topicsOf(options.deviceId);
  const storage = storageOf(settings);
  const executor = new CommandExecutor({
    ...storage,
    commands: new Map(Object.entries(options.commands ?? {})),
    queueMaxCommands: limits.commandQueueMax,
    resultMaxBytes: limits.commandResultMaxBytes,
    answerRetryMs: limits.answerRetryMs,
    acknowledgesAcceptance: options.acknowledgesAcceptance ?? false,
    nowMs: options.nowMs ?? Date.now,
    ...hooks,
  });
  const desired = new DesiredState({
    applyDesired: options.applyDesired ?? (delta => delta),
    queueMax: limits.desiredQueueMax,
    ...hooks,
  });
  const twin = new TwinQuestion(limits.twinTimeoutMs);
  const reconnector = reconnectorOf(settings, {
    topics,
    executor,
    desired,
    twin,
    sender: senderOf(settings, storage, topics),
  });
  return { ...storage, executor, desired, reconnector, twin, topics };
}

function storageOf({ options, limits, hooks }: Settings): Storage {
  const { folder, spoolSync: policy = 'group', nowMs = Date.now } = options;
  const opening: Opening = { policy, nowMs, onError: hooks.onError };
  const spool = new Spool({
    ...opening,
    folder,
    maxBytes: limits.spoolMaxBytes,
    segmentMaxBytes: limits.spoolSegmentMaxBytes,
  });
  const ring = new CommandRing({
    ...opening,
    folder,
    minCommands: limits.commandsRemembered,
    maxCommands: limits.commandsRememberedMax,
    maxBytes: limits.commandRingMaxBytes,
  });
  return { spool, ring: options.commandMemory ?? ring };
}

const senderOf = ({ limits, hooks }: Settings, { spool, ring }: Storage, topics: Topics): Sender =>
  new Sender({
    spool,
    topics,
    inFlightMaxMessages: limits.inFlightMaxMessages,
    onDone: ({ kind, key }) => {
      hooks.onSent();
      const { id, isFinal } = idIn(key);
      if (kind === 'ack' && isFinal) ring.settled(id);
    },
    ...hooks,
  });

type Receivers = Pick<DeviceParts, 'topics' | 'executor' | 'desired' | 'twin'> & { readonly sender: Sender };

function reconnectorOf(
  { options, limits, hooks }: Settings,
  { topics, executor, desired, twin, sender }: Receivers,
): Reconnector {
  const username = options.tenant === undefined ? options.deviceId : `${options.tenant}/${options.deviceId}`;
  return new Reconnector({
    connection: {
      url: options.url,
      username,
      key: options.key,
      clientId: options.deviceId,
      keepaliveSeconds: limits.keepaliveSeconds,
      connectTimeoutMs: limits.connectTimeoutMs,
      acknowledgementTimeoutMs: limits.acknowledgementTimeoutMs,
      tls: options.tls ?? {},
      subscriptions: [topics.commands, topics.desired, topics.twin],
    },
    minMs: limits.reconnectMinMs,
    maxMs: limits.reconnectMaxMs,
    goodAfterMs: limits.connectionGoodAfterMs,
    random: options.random ?? Math.random,
    nowMs: options.nowMs ?? Date.now,
    onOpening: () => desired.connected(),
    onOpen: (connection, server) => {
      sender.opened(connection, server);
      hooks.onConnected();
    },
    onMessage: (topic, payload) => {
      if (topic === topics.commands) executor.receive(payload);
      else if (topic === topics.desired) desired.receive(payload);
      else if (topic === topics.twin) twin.answered(payload);
    },
    onClose: reasonCode => {
      sender.closed(reasonCode);
      twin.disconnected();
      hooks.onDisconnected(reasonCode);
    },
    onError: hooks.onError,
  });
}
