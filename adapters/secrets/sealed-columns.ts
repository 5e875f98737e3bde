/**
 * Everything that is sealed in the database. When a data key is replaced, all of this is sealed anew; so whatever begins to seal has to be
 * named here. test/adapters/secrets/sealed-columns.test.ts finds what is not.
 */
type Key = string | number;

export type SealedColumn = {
  readonly table: string;
  readonly column: string;
  /** `json`: an object of which `sealed` is the sealed text as base64. */
  readonly form: 'bytes' | 'json';
  /** The primary key, and its types. */
  readonly key: readonly { readonly column: string; readonly type: 'int' | 'text' | 'uuid' }[];
  /** What was said of it when it was sealed, and must be said to open it. */
  readonly about: (...key: Key[]) => string;
  /** The file that seals it. */
  readonly by: string;
};

export const SEALED_COLUMNS: readonly SealedColumn[] = [
  {
    table: 'signing_key',
    column: 'private_key',
    form: 'bytes',
    key: [{ column: 'kid', type: 'text' }],
    about: kid => `signing key ${kid}`,
    by: 'adapters/access/signing-keys.ts',
  },
  {
    table: 'certificate_authority',
    column: 'private_key',
    form: 'bytes',
    key: [{ column: 'authority_id', type: 'int' }],
    about: id => `authority ${id}`,
    by: 'adapters/certificates/authorities.ts',
  },
  {
    table: 'app_user',
    column: 'totp_secret',
    form: 'bytes',
    key: [{ column: 'user_id', type: 'uuid' }],
    about: id => `user ${id} totp`,
    by: 'services/auth/second-factor.ts',
  },
  {
    table: 'device_import_line',
    column: 'sealed',
    form: 'bytes',
    key: [
      { column: 'import_id', type: 'uuid' },
      { column: 'line', type: 'int' },
    ],
    about: (id, line) => `import ${id} line ${line}`,
    by: 'services/imports/turns.ts',
  },
  {
    table: 'idempotency_key',
    column: 'response',
    form: 'json',
    key: [
      { column: 'tenant_id', type: 'int' },
      { column: 'key', type: 'text' },
    ],
    about: (tenantId, key) => `idempotency ${tenantId} ${key}`,
    by: 'mixins/idempotency.ts',
  },
];
