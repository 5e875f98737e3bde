import { uuidv7 } from 'uuidv7';
import { isDeviceId } from '../contracts/addresses.ts';
import { SkeinError } from '../contracts/errors.ts';

/** The id that a caller wants for what it makes, or a new one. Rejects with `invalid_request`. */
export function newId(wanted: string | null | undefined, maxLength: number): string {
  const id = wanted ?? uuidv7();
  if (isDeviceId(id, maxLength)) return id;
  throw new SkeinError(
    'invalid_request',
    `id must be 1 to ${maxLength} letters, digits or . _ : @ -, and begin with a letter or digit`,
  );
}
