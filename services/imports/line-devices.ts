/** What a line says, checked as registration checks it: a device that can be made, or why not. */
import { Validators } from 'moleculer';
import { uuidv7 } from 'uuidv7';
import { isDeviceId } from '../../contracts/addresses.ts';
import { type DeviceFields, devices } from '../../contracts/devices.contract.ts';
import { type ErrorType, errorTypeOf, SkeinError } from '../../contracts/errors.ts';
import type { ImportFormat, ReadLine } from '../../contracts/imports.contract.ts';
import type { JsonObject } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';
import { checkText } from '../../mixins/bounded-json.ts';
import { checkFields } from '../../mixins/device-fields.ts';
import { fieldProblems } from '../../mixins/field-problems.ts';
import { deviceOfCells } from './csv-columns.ts';

/** As it is stored until it is made. */
export type LineDevice = { readonly fields: DeviceFields; readonly groups: readonly string[] };
export type CheckedLine = { readonly line: number; readonly deviceId: string | null } & (
  | { readonly device: LineDevice }
  | { readonly reason: ErrorType; readonly detail: string }
);

/** As Moleculer checks what registration is called with. */
const check = new Validators.Fastest().compile({
  $$strict: true,
  ...devices.register.rules,
  groups: { type: 'array', optional: true, max: 50, items: 'string|min:1|max:100' },
});

const DETAIL_MAX_LENGTH = 500;
const SHOWN_ID_MAX_LENGTH = 100;

export function checkLine(format: ImportFormat, { line, record, fault }: ReadLine, limits: Limits): CheckedLine {
  if (record === undefined)
    return { line, deviceId: null, reason: 'invalid_request', detail: fault ?? 'The line is empty' };
  let said: JsonObject = {};
  try {
    said = format === 'csv' ? deviceOfCells(record as Record<string, string>) : record;
    return { line, ...deviceOf(said, limits) };
  } catch (error) {
    const detail = (error as Error).message.slice(0, DETAIL_MAX_LENGTH);
    return { line, deviceId: shownId(said.id), reason: errorTypeOf(error), detail };
  }
}

function deviceOf(said: JsonObject, limits: Limits): { deviceId: string; device: LineDevice } {
  const found = check({ ...said }) as true | object[];
  if (found !== true) {
    const problems = fieldProblems(found).map(it => `${it.field} ${it.detail}`);
    throw new SkeinError('invalid_request', problems.join('; '));
  }
  const { id, groups, ...fields } = said as { id?: string; groups?: string[] } & DeviceFields;
  const deviceId = id ?? uuidv7();
  if (!isDeviceId(deviceId, limits.deviceIdMaxLength))
    throw new SkeinError(
      'invalid_request',
      `id must be 1 to ${limits.deviceIdMaxLength} letters, digits or . _ : @ -, and begin with a letter or digit`,
    );
  checkFields(fields, limits);
  for (const name of groups ?? []) checkText('groups', name);
  return { deviceId, device: { fields, groups: groups ?? [] } };
}

/** So that people find the line; it may be anything. */
const shownId = (id: unknown): string | null =>
  typeof id === 'string' ? id.slice(0, SHOWN_ID_MAX_LENGTH).toWellFormed().replaceAll('\0', '') : null;
