/** What the columns of a CSV file mean. */
import { SkeinError } from '../../contracts/errors.ts';
import type { JsonObject } from '../../contracts/json.ts';

type Cells = Readonly<Record<string, string>>;
type Reading = (cell: string) => unknown;

const asText: Reading = cell => cell;
const asList: Reading = cell =>
  cell
    .split(';')
    .map(it => it.trim())
    .filter(it => it !== '');
const asNumber: Reading = cell => (/^-?\d+$/.test(cell) ? Number(cell) : cell);
/** An object or a list is written as JSON, anything else as it is. */
const asLocation: Reading = cell => {
  if (!/^\s*[[{]/.test(cell)) return cell;
  try {
    return JSON.parse(cell);
  } catch {
    throw new SkeinError('invalid_request', 'location is not JSON');
  }
};

const FIELDS: { readonly [column: string]: readonly [field: string, read: Reading] } = {
  id: ['id', asText],
  deviceId: ['id', asText],
  device_id: ['id', asText],
  name: ['name', asText],
  type: ['type', asText],
  deviceType: ['type', asText],
  device_type: ['type', asText],
  tags: ['tags', asList],
  groups: ['groups', asList],
  capabilities: ['capabilities', asList],
  commandWindow: ['commandWindow', asNumber],
  location: ['location', asLocation],
};
/** These are taken as metadata without its prefix, as registration over REST takes them. */
const METADATA: { readonly [column: string]: string } = {
  manufacturer: 'manufacturer',
  model: 'model',
  serialNumber: 'serialNumber',
  serial_number: 'serialNumber',
  firmwareVersion: 'firmwareVersion',
  firmware_version: 'firmwareVersion',
};
const METADATA_PREFIX = 'metadata.';
const NAMES = ['id', 'name', 'type', 'tags', 'groups', 'capabilities', 'commandWindow', 'location', 'metadata.*'];

const fieldOf = (column: string): string | undefined =>
  Object.hasOwn(FIELDS, column) ? FIELDS[column]![0] : metadataOf(column) && METADATA_PREFIX + metadataOf(column);

function metadataOf(column: string): string | undefined {
  if (Object.hasOwn(METADATA, column)) return METADATA[column];
  return column.startsWith(METADATA_PREFIX) ? column.slice(METADATA_PREFIX.length) || undefined : undefined;
}

/** Rejects with `invalid_request`: a column that means nothing would be lost silently, and two that mean the same contradict each other. */
export function checkColumns(columns: readonly string[]): void {
  const seen = new Set<string>();
  for (const column of columns) {
    const field = fieldOf(column);
    const shown = JSON.stringify(column.slice(0, 100));
    if (field === undefined)
      throw new SkeinError('invalid_request', `The column ${shown} is not known; there are ${NAMES.join(', ')}`);
    if (seen.has(field)) throw new SkeinError('invalid_request', `The column ${shown} says ${field} a second time`);
    seen.add(field);
  }
}

/** A device as registration takes it. An empty cell says nothing. Rejects with `invalid_request`. */
export function deviceOfCells(cells: Cells): JsonObject {
  const given = Object.entries(cells).filter(([, cell]) => cell !== '');
  const fields: [string, unknown][] = [];
  const metadata: [string, unknown][] = [];
  for (const [column, cell] of given)
    if (Object.hasOwn(FIELDS, column)) fields.push([FIELDS[column]![0], FIELDS[column]![1](cell)]);
    else metadata.push([metadataOf(column)!, cell]);
  return Object.fromEntries(metadata.length > 0 ? [...fields, ['metadata', Object.fromEntries(metadata)]] : fields);
}
