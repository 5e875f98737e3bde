import { PERMISSIONS } from '../../../contracts/permissions.ts';
import type { Descriptions } from './description.ts';
import {
  count,
  described,
  listOf,
  object,
  oneOf,
  pageOf,
  text,
  textOrNull,
  time,
  uuid,
  yesOrNo,
} from './schemas/shapes.ts';

const tag = 'Login';
const USER_ID = '01961d2e-7c1a-7b43-9d5e-2f0a51c7e841';
const LOGIN_ID = '01961d30-02aa-7f16-8c11-90d1be0a6a55';
const REFRESH = `skr_${LOGIN_ID}_1_Qw7xV2uYk9tZs4LrPb0aDgHc3mNf8eJiO5q1WvXyTzKsBdUlRnMpCoEhGjAiF6S4`;

const tokenFields = {
  accessToken: described(text, 'A JWT: `Authorization: Bearer <it>`.'),
  tokenType: oneOf(['Bearer']),
  expiresIn: described(count, 'Seconds until the access token ends.'),
  refreshToken: described(text, 'Good once: the answer to it has the next one.'),
};
const TOKENS = { accessToken: 'eyJhbGciOiJFUzI1NiJ9...', tokenType: 'Bearer', expiresIn: 900, refreshToken: REFRESH };
const USER = {
  id: USER_ID,
  organization: 'default',
  email: 'ada@example.org',
  name: 'Ada Lovelace',
  roles: ['operator'],
};
const user = object({ id: uuid, organization: text, email: text, name: textOrNull, roles: listOf(text) });
const permission = oneOf(Object.keys(PERMISSIONS));

const renewed = {
  tag,
  summary: 'The next tokens for a refresh token',
  description:
    'A refresh token is good once. One that was used before ends its whole login at once: somebody else may have it. Of two requests with the same one at the same time one gets the next tokens.',
  bodyExample: { refreshToken: REFRESH },
  answers: {
    200: { schema: object(tokenFields), example: { ...TOKENS, refreshToken: REFRESH.replace('_1_', '_2_') } },
  },
  errors: ['unauthorized'],
} as const;

const ended = (example: number) => ({
  200: { schema: object({ ended: described(count, 'How many logins that ended.') }), example: { ended: example } },
});
const totp = (example: boolean) => ({ 200: { schema: object({ totp: yesOrNo }), example: { totp: example } } });

const jwks = {
  tag,
  summary: 'The keys that verify tokens of this system',
  description:
    'A JWK set (RFC 7517). A new key is in it for a while before it signs, an old one until its last token has ended.',
  answers: {
    200: {
      schema: object({
        keys: listOf(
          object({
            kty: oneOf(['EC']),
            crv: oneOf(['P-256']),
            x: text,
            y: text,
            kid: text,
            use: oneOf(['sig']),
            alg: oneOf(['ES256']),
          }),
        ),
      }),
      example: {
        keys: [
          {
            kty: 'EC',
            crv: 'P-256',
            x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
            y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
            kid: 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U',
            use: 'sig',
            alg: 'ES256',
          },
        ],
      },
    },
  },
} as const;

export const authDescriptions: Descriptions = {
  'POST /auth/login': {
    tag,
    summary: 'Log in',
    description:
      'Whatever is wrong, the answer is the same. A user with a second factor gets `second_factor_needed` after the right password, and sends it again with `totp` or `recoveryCode`.',
    omits: ['userAgent'],
    bodyExample: { email: 'ada@example.org', password: 'correct horse battery staple', totp: '492039' },
    answers: { 200: { schema: object({ ...tokenFields, user }), example: { ...TOKENS, user: USER } } },
    errors: ['unauthorized', 'second_factor_needed', 'rate_limited', 'overloaded'],
  },
  'POST /auth/token': renewed,
  'POST /auth/refresh': { ...renewed, description: 'The same as `POST /auth/token`.' },
  'POST /auth/logout': {
    tag,
    summary: 'End this login, or all of this user',
    description: 'Their access tokens and refresh tokens stop at once.',
    bodyExample: { all: true },
    answers: ended(1),
  },
  'GET /auth/logins': {
    tag,
    summary: 'The own logins that go on',
    answers: {
      200: {
        schema: pageOf(
          object({
            id: uuid,
            current: described(yesOrNo, 'The one that asks.'),
            address: textOrNull,
            userAgent: textOrNull,
            createdAt: time,
            lastUsedAt: described(time, 'When its refresh token was used last.'),
            expiresAt: described(time, 'When it ends, however often it is used.'),
          }),
        ),
        example: {
          items: [
            {
              id: LOGIN_ID,
              current: true,
              address: '198.51.100.7',
              userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
              createdAt: '2026-03-01T06:15:00.000Z',
              lastUsedAt: '2026-03-01T09:30:12.000Z',
              expiresAt: '2026-05-30T06:15:00.000Z',
            },
          ],
          nextCursor: null,
        },
      },
    },
  },
  'DELETE /auth/logins/:id': { tag, summary: 'End one of the own logins', answers: ended(1), errors: ['not_found'] },
  'GET /auth/me': {
    tag,
    summary: 'Who am I, and what may I do',
    answers: {
      200: {
        schema: object({
          kind: oneOf(['user', 'application', 'device']),
          organization: text,
          id: text,
          name: textOrNull,
          email: textOrNull,
          roles: listOf(text),
          permissions: described(listOf(permission), 'All that it may do, if only with some devices.'),
          limits: described(
            listOf(object({ permissions: listOf(permission), devices: { type: 'object' } })),
            'What of it may be done with some devices only, and with which.',
          ),
          scopes: described(
            { type: ['array', 'null'], items: text },
            'Of a device: what its credential is limited to.',
          ),
          totp: described({ type: ['boolean', 'null'] }, 'Whether a login needs a second factor.'),
        }),
        example: {
          ...USER,
          kind: 'user',
          roles: ['presses'],
          permissions: ['commands:send', 'devices:read'],
          limits: [{ permissions: ['commands:send', 'devices:read'], devices: { types: ['press'] } }],
          scopes: null,
          totp: true,
        },
      },
    },
  },
  'POST /auth/password': {
    tag,
    summary: 'Change the own password',
    description: 'A new one has 12 to 256 characters and is not the email address. All other logins end.',
    bodyExample: { currentPassword: 'correct horse battery staple', newPassword: 'four words that nobody guesses' },
    answers: ended(2),
    errors: ['unauthorized', 'conflict', 'rate_limited', 'overloaded'],
  },
  'POST /auth/totp': {
    tag,
    summary: 'Begin a second factor',
    description: 'It counts when it is confirmed. The secret and the recovery codes are shown once.',
    bodyExample: { password: 'correct horse battery staple' },
    answers: {
      200: {
        schema: object({
          secret: described(text, 'For an authenticator app, as Base32.'),
          uri: described(text, 'The same as a QR code has it.'),
          recoveryCodes: described(listOf(text), 'Each is good once instead of a code.'),
        }),
        example: {
          secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
          uri: 'otpauth://totp/Skein:ada%40example.org?issuer=Skein&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30',
          recoveryCodes: ['k7dm-2xwq-a5nf-jt4z', 'p3vb-9yhc-u6re-lg7s'],
        },
      },
    },
    errors: ['unauthorized', 'conflict', 'rate_limited', 'overloaded'],
  },
  'POST /auth/totp/confirm': {
    tag,
    summary: 'Confirm a second factor',
    description: 'From then on a login needs a code.',
    bodyExample: { code: '492039' },
    answers: totp(true),
    errors: ['unauthorized', 'conflict', 'rate_limited'],
  },
  'DELETE /auth/totp': {
    tag,
    summary: 'Remove the second factor',
    description: '`code`: of the app, or a recovery code.',
    bodyExample: { password: 'correct horse battery staple', code: '492039' },
    answers: totp(false),
    errors: ['unauthorized', 'conflict', 'rate_limited', 'overloaded'],
  },
  'GET /auth/jwks': jwks,
  'GET /.well-known/jwks.json': jwks,
  'POST /auth/keys/rotate': {
    tag,
    summary: 'Make a new key that signs tokens',
    description:
      'Only in the organization that runs the system. It signs when all nodes know it; tokens that others signed stay good. With `endsOthers` it signs at once and they do not, tokens of devices included: for a key that somebody has got hold of.',
    bodyExample: { endsOthers: false },
    answers: {
      200: {
        schema: object({ kid: text, signsFrom: time }),
        example: { kid: 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U', signsFrom: '2026-03-01T06:17:00.000Z' },
      },
    },
  },
};
