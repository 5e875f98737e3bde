/** What people and programs may do, by name. A role is a list of these; each action says which one it needs. */
export const PERMISSIONS = {
  'devices:read': 'See devices, their sessions and their lifecycle',
  'devices:write': 'Register and change devices',
  'devices:lifecycle': 'Suspend, resume and decommission devices',
  'devices:credentials': 'Issue and revoke keys, tokens and certificates of devices',
  'devices:provision': 'Import devices in bulk, manage provisioning batches',
  'devices:claim': 'Claim a device with its claim code',
  'devices:erase': 'Erase what is stored of a device',
  'telemetry:read': 'Read telemetry',
  'telemetry:write': 'Send telemetry for devices',
  'telemetry:import': 'Import telemetry of former times from files',
  'exports:read': 'See exports of telemetry, and download their files',
  'exports:write': 'Export telemetry, at once and by schedules',
  'twins:read': 'Read twins',
  'twins:write': 'Change what is desired of devices',
  'commands:read': 'See commands',
  'commands:send': 'Send, repeat and cancel commands',
  'events:read': 'Read events',
  'dead-letters:read': 'See messages that could not be stored',
  'dead-letters:replay': 'Try them again',
  'dead-letters:purge': 'Remove them',
  'jobs:read': 'See jobs; to make one takes the permission for what it does',
  'device-types:read': 'See device types',
  'device-types:write': 'Make, change and remove device types',
  'groups:read': 'See groups',
  'groups:write': 'Make, change and remove groups, put devices into them',
  'assets:read': 'See assets and locations',
  'assets:write': 'Make, change and remove assets and locations',
  'organizations:read': 'See the own organization, its quotas and what it uses',
  'organizations:write': 'Change the own organization; make and change others when the own one runs the system',
  'users:read': 'See users and roles',
  'users:write': 'Make, change and remove users and roles, erase users',
  'api-keys:read': 'See API keys',
  'api-keys:write': 'Make and revoke API keys',
  'certificates:read': 'See certificates',
  'certificates:write': 'Revoke certificates',
  'storage:read': 'See storage policies and what storage takes',
  'storage:write': 'Make, change and remove storage policies',
  'storage:hold': 'See, make and release legal holds',
  'audit:read': 'Read the audit log',
  'system:read': 'See health in detail and metrics; only in the organization that runs the system',
  'system:write': 'Replace signing keys and the keys that seal secrets; only in the organization that runs the system',
} as const;
export type Permission = keyof typeof PERMISSIONS;
export const isPermission = (text: string): text is Permission => Object.hasOwn(PERMISSIONS, text);

/** About the system as a whole, which others share: of use in the organization that runs it only. */
export const SYSTEM_PERMISSIONS: ReadonlySet<string> = new Set<Permission>(['system:read', 'system:write']);

const ALL = Object.keys(PERMISSIONS) as Permission[];
const READING = ALL.filter(it => it.endsWith(':read'));
const WATCHING = READING.filter(
  it => !['users:read', 'api-keys:read', 'audit:read', 'certificates:read', 'system:read'].includes(it),
);

/** Roles that every tenant has, and that nobody changes. */
export const BUILT_IN_ROLES = {
  admin: { description: 'May do everything', permissions: ALL },
  operator: {
    description:
      'Runs the devices: sees everything, commands, suspends and changes devices, but not users, keys or roles',
    permissions: [
      ...READING.filter(it => it !== 'users:read' && it !== 'api-keys:read'),
      'devices:write',
      'devices:lifecycle',
      'devices:credentials',
      'devices:provision',
      'devices:claim',
      'telemetry:write',
      'telemetry:import',
      'exports:write',
      'twins:write',
      'commands:send',
      'dead-letters:replay',
      'dead-letters:purge',
      'device-types:write',
      'groups:write',
      'assets:write',
      'certificates:write',
    ],
  },
  viewer: { description: 'Sees devices and what they send', permissions: WATCHING },
  integrator: {
    description: 'A program: reads everything of devices, sends telemetry and commands, registers devices',
    permissions: [...WATCHING, 'devices:write', 'telemetry:write', 'exports:write', 'twins:write', 'commands:send'],
  },
} as const satisfies Record<string, { description: string; permissions: readonly Permission[] }>;
export type BuiltInRole = keyof typeof BUILT_IN_ROLES;
export const isBuiltInRole = (name: string): name is BuiltInRole => Object.hasOwn(BUILT_IN_ROLES, name);

/** What a device's own credential may be limited to. One that names no scopes has all. */
export const DEVICE_SCOPES = {
  'telemetry:publish': 'Send telemetry',
  'telemetry:read': 'Read its own telemetry',
  'state:publish': 'Report its state',
  'twin:read': 'Read its own twin, and be told what is desired of it',
  'events:publish': 'Send events',
  'commands:receive': 'Get commands and answer them',
  'credentials:renew': 'Renew its own certificate, key or token',
} as const;
export type DeviceScope = keyof typeof DEVICE_SCOPES;
export const isDeviceScope = (text: string): text is DeviceScope => Object.hasOwn(DEVICE_SCOPES, text);
