/**
 * What people and programs may see over MQTT: which permission each topic below `devices/` needs, and which ones a filter needs, that is all
 * of those that any topic has which it matches. Pure. docs/mqtt.md has the table.
 */
import type { Permission } from '../../../contracts/permissions.ts';

export const SEEING = [
  'telemetry:read',
  'twins:read',
  'commands:read',
  'events:read',
  'devices:read',
] as const satisfies readonly Permission[];
export type Seeing = (typeof SEEING)[number];

/** What comes behind `devices/{id}/`: this level alone, or this level and all below it. */
const CHANNELS = [
  { level: 'telemetry', isTree: false, needs: 'telemetry:read' },
  { level: 'state', isTree: true, needs: 'twins:read' },
  { level: 'commands', isTree: true, needs: 'commands:read' },
  { level: 'events', isTree: false, needs: 'events:read' },
] as const;
const ROOT = 'devices/';

/** Of a topic below `devices/`. */
export function permissionOf(topic: string): Seeing {
  const at = topic.indexOf('/', ROOT.length);
  if (at === -1) return 'devices:read';
  const end = topic.indexOf('/', at + 1);
  const level = topic.slice(at + 1, end === -1 ? topic.length : end);
  const channel = CHANNELS.find(it => it.level === level && (it.isTree || end === -1));
  return channel?.needs ?? 'devices:read';
}

/** Undefined: nobody is granted this filter. */
export function permissionsFor(filter: string): readonly Seeing[] | undefined {
  if (filter.length <= ROOT.length || !filter.startsWith(ROOT)) return undefined;
  const levels = filter.split('/');
  if (levels[1] === '#') return SEEING;
  const [level, ...below] = levels.slice(2);
  if (level === undefined) return ['devices:read'];
  if (level === '#') return SEEING;
  const needed: Seeing[] = CHANNELS.filter(it => matchesChannel(it, level, below)).map(it => it.needs);
  if (matchesOther(level, below)) needed.push('devices:read');
  return needed;
}

/** `telemetry/#` matches `telemetry` too. */
const matchesChannel = (it: (typeof CHANNELS)[number], level: string, below: readonly string[]): boolean =>
  (level === it.level || level === '+') && (it.isTree || below.length === 0 || below[0] === '#');

function matchesOther(level: string, below: readonly string[]): boolean {
  const channel = CHANNELS.find(it => it.level === level);
  return channel === undefined || (!channel.isTree && below.length > 0);
}
