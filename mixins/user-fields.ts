/** What is said of a person: checked, and as it is kept. */
import { SkeinError } from '../contracts/errors.ts';
import { checkText } from './bounded-json.ts';

/** RFC 5321, section 4.5.3.1.3, without its angle brackets. */
const EMAIL_MAX_LENGTH = 254;
/** Whether mail arrives only mail shows. One @, something on both sides of it, no space and no control character. */
const EMAIL = /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u;
export const PASSWORD_MIN_LENGTH = 12;
export const PASSWORD_MAX_LENGTH = 256;

/** As it is kept and compared. Rejects with `invalid_request`, without the address. */
export function emailOf(text: string): string {
  const email = text.trim().normalize('NFC').toLowerCase();
  if (email.length > EMAIL_MAX_LENGTH || !EMAIL.test(email))
    throw new SkeinError('invalid_request', `email must be an address of at most ${EMAIL_MAX_LENGTH} characters`);
  checkText('email', email);
  return email;
}

/** Rejects with `invalid_request`, without the password. */
export function checkPassword(password: string): void {
  const { length } = [...password.slice(0, 2 * PASSWORD_MAX_LENGTH + 1)];
  if (length < PASSWORD_MIN_LENGTH || length > PASSWORD_MAX_LENGTH)
    throw new SkeinError(
      'invalid_request',
      `password must have ${PASSWORD_MIN_LENGTH} to ${PASSWORD_MAX_LENGTH} characters`,
    );
}
