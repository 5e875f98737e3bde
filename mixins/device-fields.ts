/** What a caller says of a device: checked, and as columns. For whoever makes or changes devices. */
import type { DeviceFields } from '../contracts/devices.contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { Limits } from '../contracts/limits.ts';
import { checkJson, checkText } from './bounded-json.ts';

/** Rejects with `invalid_request` or `too_large`. */
export function checkFields(fields: DeviceFields, limits: Limits): void {
  const { metadataMaxBytes, valueMaxDepth, commandWindowMax } = limits;
  const { commandWindow } = fields;
  // The validator takes null for an optional parameter; these have no null.
  if (fields.metadata === null) throw new SkeinError('invalid_request', 'metadata must be an object');
  if (fields.tags === null) throw new SkeinError('invalid_request', 'tags must be a list');
  if (fields.capabilities === null) throw new SkeinError('invalid_request', 'capabilities must be a list');
  if (fields.name) checkText('name', fields.name);
  if (fields.type) checkText('type', fields.type);
  for (const tag of fields.tags ?? []) checkText('tags', tag);
  for (const it of fields.capabilities ?? []) checkText('capabilities', it);
  if (typeof commandWindow === 'number' && (commandWindow < 1 || commandWindow > commandWindowMax))
    throw new SkeinError('invalid_request', `commandWindow must be between 1 and ${commandWindowMax}, or null`);
  if (fields.location !== undefined) checkJson('location', fields.location, metadataMaxBytes, valueMaxDepth);
  if (fields.metadata !== undefined) checkJson('metadata', fields.metadata, metadataMaxBytes, valueMaxDepth);
}

/** The columns that the given fields set, with their values as parameters. jsonb goes as text, so that a text is JSON too. */
export function columnsOf(fields: DeviceFields): { column: string; cast: string; value: unknown }[] {
  const json = (value: unknown) => (value === undefined || value === null ? value : JSON.stringify(value));
  const all = [
    { column: 'name', cast: 'text', value: fields.name },
    { column: 'device_type', cast: 'text', value: fields.type },
    { column: 'location', cast: 'text::jsonb', value: json(fields.location) },
    { column: 'metadata', cast: 'text::jsonb', value: json(fields.metadata) },
    { column: 'tags', cast: 'text[]', value: fields.tags && [...new Set(fields.tags)] },
    { column: 'capabilities', cast: 'text[]', value: fields.capabilities && [...new Set(fields.capabilities)] },
    { column: 'command_window', cast: 'smallint', value: fields.commandWindow },
  ];
  return all.filter(it => it.value !== undefined);
}
