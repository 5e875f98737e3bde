/** Schemas that several paths share: `#/components/schemas/<name>`. */
import { assetSchemas } from './assets.schemas.ts';
import { commandSchemas } from './commands.schemas.ts';
import { deviceSchemas } from './devices.schemas.ts';
import { identitySchemas } from './identity.schemas.ts';
import { operationSchemas } from './operations.schemas.ts';
import { telemetrySchemas } from './telemetry.schemas.ts';
import { twinSchemas } from './twins.schemas.ts';

export const SCHEMAS = {
  ...identitySchemas,
  ...deviceSchemas,
  ...telemetrySchemas,
  ...twinSchemas,
  ...commandSchemas,
  ...operationSchemas,
  ...assetSchemas,
} as const;
