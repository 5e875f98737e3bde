/** What the OpenAPI document says of every path, and its chapters. */
import { assetDescriptions } from './assets.descriptions.ts';
import { auditDescriptions } from './audit.descriptions.ts';
import { authDescriptions } from './auth.descriptions.ts';
import { certificateDescriptions } from './certificates.descriptions.ts';
import { commandDescriptions } from './commands.descriptions.ts';
import { credentialDescriptions } from './credentials.descriptions.ts';
import { deadLetterDescriptions } from './dead-letters.descriptions.ts';
import type { Descriptions } from './description.ts';
import { deviceDescriptions } from './devices.descriptions.ts';
import { eventDescriptions } from './events.descriptions.ts';
import { exportDescriptions } from './exports.descriptions.ts';
import { fleetDescriptions } from './fleet.descriptions.ts';
import { healthDescriptions } from './health.descriptions.ts';
import { identityDescriptions } from './identity.descriptions.ts';
import { importDescriptions } from './imports.descriptions.ts';
import { jobDescriptions } from './jobs.descriptions.ts';
import { openApiDescriptions } from './openapi.descriptions.ts';
import { provisioningDescriptions } from './provisioning.descriptions.ts';
import { securityDescriptions } from './security.descriptions.ts';
import { seedTypeDescriptions } from './seed-types.descriptions.ts';
import { sessionDescriptions } from './sessions.descriptions.ts';
import { storageDescriptions } from './storage.descriptions.ts';
import { telemetryDescriptions } from './telemetry.descriptions.ts';
import { telemetryImportDescriptions } from './telemetry-imports.descriptions.ts';
import { twinDescriptions } from './twins.descriptions.ts';

const ALL: readonly Descriptions[] = [
  provisioningDescriptions,
  importDescriptions,
  authDescriptions,
  identityDescriptions,
  deviceDescriptions,
  credentialDescriptions,
  certificateDescriptions,
  sessionDescriptions,
  telemetryDescriptions,
  exportDescriptions,
  telemetryImportDescriptions,
  twinDescriptions,
  commandDescriptions,
  jobDescriptions,
  fleetDescriptions,
  assetDescriptions,
  seedTypeDescriptions,
  eventDescriptions,
  deadLetterDescriptions,
  storageDescriptions,
  auditDescriptions,
  securityDescriptions,
  healthDescriptions,
  openApiDescriptions,
];

/** By `GET /devices`. */
export const DESCRIPTIONS: Descriptions = Object.assign({}, ...ALL);

/** Chapters, in their order; those that nothing belongs to are left out, and what belongs to none of these comes last. */
export const TAGS: readonly { readonly name: string; readonly description: string }[] = [
  { name: 'Login', description: 'How people log in, and what they do with their own account.' },
  { name: 'Organizations', description: 'Who shares a system: each sees its own only.' },
  { name: 'Users', description: 'People of an organization.' },
  { name: 'Roles', description: 'What users and API keys may do.' },
  { name: 'API keys', description: 'Keys of programs.' },
  { name: 'Devices', description: 'The registry of devices, and their lifecycle.' },
  { name: 'Device credentials', description: 'Keys and tokens of devices.' },
  { name: 'Certificates', description: 'Certificates of devices, and the authority that signs them.' },
  { name: 'Provisioning', description: 'Batches of devices that get their identities themselves.' },
  { name: 'Claims', description: 'Whose a device is.' },
  { name: 'Imports', description: 'Many devices from a file.' },
  { name: 'Sessions', description: 'Who is connected.' },
  { name: 'Telemetry', description: 'What devices measure.' },
  { name: 'Exports', description: 'Telemetry as files, asked for or by schedules.' },
  { name: 'Twins', description: 'What devices report of themselves, and what is desired of them.' },
  { name: 'Commands', description: 'What devices are asked to do.' },
  { name: 'Jobs', description: 'The same for many devices.' },
  { name: 'Device types', description: 'What devices of a type are like, and which commands they take.' },
  { name: 'Groups', description: 'Devices put together by hand, and by their tags.' },
  { name: 'Capabilities', description: 'What devices can do, by name.' },
  { name: 'Assets', description: 'Things that devices sit in or belong to.' },
  { name: 'Locations', description: 'Places, one inside of another.' },
  { name: 'Events', description: 'What happened to devices.' },
  { name: 'Storage', description: 'How long telemetry is kept, and where.' },
  { name: 'Audit', description: 'Who did what, and what was refused.' },
  { name: 'Security', description: 'The keys that seal secrets in the database.' },
  { name: 'Dead letters', description: 'What could not be stored, and why.' },
  { name: 'Health', description: 'How the system is.' },
];
