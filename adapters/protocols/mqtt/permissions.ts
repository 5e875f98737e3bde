/**
 * Who may use which topic; what is not allowed here is denied. Pure, and quick: a device's topics are put together once for
 * each connection, so that a publish costs a few comparisons of texts.
 */
import type { Limits } from '../../../contracts/limits.ts';
import type { UplinkKind } from '../../../contracts/uplinks.ts';

/** What one device may do: publish the "up" topics below its own name, subscribe below its own name. */
export class DevicePermissions {
  readonly ownPrefix: string;
  readonly telemetry: string;
  readonly state: string;
  readonly events: string;
  readonly ack: string;
  readonly childrenPrefix: string;

  /** @param device a valid device id: it holds no `/`, `+` or `#` */
  constructor(device: string) {
    this.ownPrefix = `devices/${device}/`;
    this.telemetry = `${this.ownPrefix}telemetry`;
    this.state = `${this.ownPrefix}state`;
    this.events = `${this.ownPrefix}events`;
    this.ack = `${this.ownPrefix}commands/ack`;
    this.childrenPrefix = `gateways/${device}/devices/`;
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
      if (rest === 'state/get') return 'get';
      return rest === 'firmware/progress' ? 'other' : undefined;
    }
    return topic.startsWith(this.childrenPrefix) && isOfAChild(topic, this.childrenPrefix.length) ? 'other' : undefined;
  }

  /** Below its own name; behind that prefix every wildcard stays inside. */
  maySubscribe(filter: string): boolean {
    return filter.length > this.ownPrefix.length && filter.startsWith(this.ownPrefix);
  }
}

/** `gateways/{gateway}/devices/{child}/telemetry`, `.../state`, `.../commands/ack`. */
function isOfAChild(topic: string, childAt: number): boolean {
  const slash = topic.indexOf('/', childAt);
  if (slash <= childAt) return false;
  const rest = topic.slice(slash + 1);
  return (rest === 'telemetry' || rest === 'state' || rest === 'commands/ack') && !hasWildcard(topic);
}

/** Applications see the devices of their tenant, and nothing else. */
export const mayApplicationSubscribe = (filter: string): boolean =>
  filter.length > 'devices/'.length && filter.startsWith('devices/');

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
