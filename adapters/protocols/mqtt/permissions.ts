/**
 * Who may use which topic; what is not allowed here is denied. Pure, and quick: a device's topics are put together once for
 * each connection, so that a publish costs a few comparisons of texts.
 */
import type { DownlinkKind } from '../../../contracts/downlinks.ts';
import type { Limits } from '../../../contracts/limits.ts';
import type { DeviceScope } from '../../../contracts/permissions.ts';
import type { UplinkKind } from '../../../contracts/uplinks.ts';
import { matches, parseFilter } from './topic-filter.ts';

/**
 * What one device may do: publish the "up" topics below its own name, subscribe below its own name; of that, what the scopes of its
 * credential allow. A topic that they don't allow is undefined here, so that a publish costs the same with scopes as without.
 */
export class DevicePermissions {
  readonly ownPrefix: string;
  readonly telemetry: string | undefined;
  readonly state: string | undefined;
  readonly events: string | undefined;
  readonly ack: string | undefined;
  readonly childrenPrefix: string;
  readonly #scopes: readonly DeviceScope[] | null;

  /**
   * @param device a valid device id: it holds no `/`, `+` or `#`
   * @param scopes null: all
   */
  constructor(device: string, scopes: readonly DeviceScope[] | null = null) {
    this.#scopes = scopes;
    this.ownPrefix = `devices/${device}/`;
    this.telemetry = this.#own('telemetry', 'telemetry:publish');
    this.state = this.#own('state', 'state:publish');
    this.events = this.#own('events', 'events:publish');
    this.ack = this.#own('commands/ack', 'commands:receive');
    this.childrenPrefix = `gateways/${device}/devices/`;
  }

  /** Where each kind of downlink goes; undefined: it may not be received. */
  get down(): Readonly<Record<DownlinkKind, string | undefined>> {
    return {
      command: this.#own('commands', 'commands:receive'),
      desired: this.#own('state/desired', 'twin:read'),
      twin: this.#own('state/get/response', 'twin:read'),
    };
  }

  /** What a publish to this topic is; undefined: not allowed. */
  kindOf(topic: string): UplinkKind | undefined {
    if (topic === this.telemetry) return 'telemetry';
    if (topic === this.state) return 'state';
    if (topic === this.events) return 'events';
    if (topic === this.ack) return 'ack';
    return this.#rareKindOf(topic);
  }

  #rareKindOf(topic: string): 'get' | 'other' | undefined {
    if (topic.startsWith(this.ownPrefix)) {
      const rest = topic.slice(this.ownPrefix.length);
      if (rest === 'state/get') return this.#has('twin:read') ? 'get' : undefined;
      // No scope is about it, so a credential that is limited to some may not.
      return rest === 'firmware/progress' && this.#scopes === null ? 'other' : undefined;
    }
    if (!topic.startsWith(this.childrenPrefix)) return undefined;
    const scope = scopeForAChild(topic, this.childrenPrefix.length);
    return scope !== undefined && this.#has(scope) ? 'other' : undefined;
  }

  /**
   * Below its own name; behind that prefix every wildcard stays inside. Refused is what matches something that goes down to devices, and
   * none of it may be received; what matches some that may be and some that may not delivers the former.
   */
  maySubscribe(filter: string): boolean {
    if (filter.length <= this.ownPrefix.length || !filter.startsWith(this.ownPrefix)) return false;
    if (this.#scopes === null) return true;
    const { down } = this;
    const parsed = parseFilter(filter);
    const matching = DOWNLINKS.filter(({ channel }) => matches(parsed, this.ownPrefix + channel));
    return matching.length === 0 || matching.some(({ kind }) => down[kind] !== undefined);
  }

  #own(channel: string, scope: DeviceScope): string | undefined {
    return this.#has(scope) ? this.ownPrefix + channel : undefined;
  }

  #has(scope: DeviceScope): boolean {
    return this.#scopes === null || this.#scopes.includes(scope);
  }
}

const DOWNLINKS = [
  { kind: 'command', channel: 'commands' },
  { kind: 'desired', channel: 'state/desired' },
  { kind: 'twin', channel: 'state/get/response' },
] as const satisfies readonly { kind: DownlinkKind; channel: string }[];

/** `gateways/{gateway}/devices/{child}/telemetry`, `.../state`, `.../commands/ack`: what it takes to publish there. */
const CHILDREN: Readonly<Record<string, DeviceScope>> = {
  telemetry: 'telemetry:publish',
  state: 'state:publish',
  'commands/ack': 'commands:receive',
};

function scopeForAChild(topic: string, childAt: number): DeviceScope | undefined {
  const slash = topic.indexOf('/', childAt);
  if (slash <= childAt || hasWildcard(topic)) return undefined;
  const rest = topic.slice(slash + 1);
  return Object.hasOwn(CHILDREN, rest) ? CHILDREN[rest] : undefined;
}

const hasWildcard = (topic: string): boolean => topic.includes('+') || topic.includes('#');

/** What is wrong with a topic as a name to publish to, whoever publishes. */
export type TopicFault = { readonly detail: string; readonly malformed: boolean };

/**
 * `malformed` names break MQTT itself (sections 4.7.1 and 4.7.3: no wildcard, at least one character, no U+0000); the
 * others are only longer or deeper than we take.
 */
export function topicFault(topic: string, limits: Limits): TopicFault | undefined {
  if (topic.length === 0) return { detail: 'The topic is empty', malformed: true };
  if (hasWildcard(topic)) return { detail: 'The topic of a publish has a wildcard', malformed: true };
  if (topic.includes('\0')) return { detail: 'The topic has a null character', malformed: true };
  const bytes = Buffer.byteLength(topic);
  if (bytes > limits.topicMaxBytes)
    return { detail: `The topic has ${bytes} bytes; the limit is ${limits.topicMaxBytes}`, malformed: false };
  const levels = countLevels(topic);
  if (levels > limits.topicMaxLevels)
    return { detail: `The topic has ${levels} levels; the limit is ${limits.topicMaxLevels}`, malformed: false };
  return undefined;
}

function countLevels(topic: string): number {
  let levels = 1;
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) levels++;
  return levels;
}
