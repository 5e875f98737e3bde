/**
 * The log: lines of JSON. No secret gets into it: of an error only what is named here is written, not what it carries besides (a validator's
 * error carries the value that was wrong), fields with telling names are blanked, and whatever still looks like a key is too.
 */
import pino, { type DestinationStream, type Logger } from 'pino';

const BLANK = '[secret]';
const NAMES = [
  'password',
  'currentPassword',
  'newPassword',
  'apiKey',
  'key',
  'token',
  'accessToken',
  'refreshToken',
  'secret',
  'totp',
  'recoveryCode',
  'recoveryCodes',
  'claimCode',
  'provisioningSecret',
  'privateKey',
  'secretKey',
  'authorization',
  'Authorization',
];
/** As fields of what is logged, and of what that holds. */
const PATHS = NAMES.flatMap(name => [name, `*.${name}`, `*.*.${name}`]);

/** Our keys and refresh tokens, JSON Web Tokens, private keys in PEM, passwords in URLs, and what comes behind `Bearer`. */
const SECRETS: readonly RegExp[] = [
  /sk[dar]_[0-9A-Za-z_-]{12,}_[0-9A-Za-z_-]{20,}/g,
  /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g,
  /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\S]*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----|$)/g,
  /(?<=:\/\/[^\s/:@"]*:)[^\s/@"]+(?=@)/g,
  /(?<=\b(?:Bearer|Basic) )[\w.~+/=-]{8,}/g,
];

/** The text without what looks like a secret. */
export const withoutSecrets = (text: string): string => SECRETS.reduce((rest, it) => rest.replace(it, BLANK), text);

/** What may be written of an error, and of its causes up to this many. */
const CAUSES_MAX = 3;

function errorShown(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error))
    return withoutSecrets(String((error as { message?: unknown } | null)?.message ?? error));
  const { name, message, stack, cause } = error;
  const { type, code, kind, where } = error as { type?: unknown; code?: unknown; kind?: unknown; where?: unknown };
  return {
    type: typeof type === 'string' ? type : name,
    message,
    ...(scalar(code) && { code }),
    ...(scalar(kind) && { kind }),
    ...(scalar(where) && { where }),
    stack,
    ...(cause !== undefined && depth < CAUSES_MAX && { cause: errorShown(cause, depth + 1) }),
  };
}

const scalar = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number';

/** Without `to`: standard error. */
export const newLog = (
  level: string,
  base: Readonly<Record<string, unknown>>,
  to: DestinationStream = pino.destination(2),
): Logger =>
  pino(
    {
      level,
      base,
      redact: { paths: PATHS, censor: BLANK },
      serializers: { err: error => errorShown(error), error: error => errorShown(error) },
      hooks: { streamWrite: withoutSecrets },
    },
    to,
  );
