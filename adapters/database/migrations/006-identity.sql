-- Organizations, people, keys, tokens, certificates, provisioning, lifecycle, audit.

-- Outside it is called organization. The one that runs the system may make others.
ALTER TABLE tenant
  ADD COLUMN name        text,
  ADD COLUMN state       text NOT NULL DEFAULT 'active',
  ADD COLUMN is_operator boolean NOT NULL DEFAULT false,
  -- By name; what is not in it is as usual: contracts/quotas.ts.
  ADD COLUMN quotas      jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN version     int NOT NULL DEFAULT 1,
  ADD COLUMN updated_at  timestamptz NOT NULL DEFAULT now();
UPDATE tenant SET is_operator = true WHERE slug = 'default';

-- Those that the tenant made itself; the built-in ones are in contracts/permissions.ts.
CREATE TABLE role (
  tenant_id    int NOT NULL REFERENCES tenant,
  name         text NOT NULL,
  description  text,
  permissions  text[] NOT NULL,
  -- {groups, types, tags, claimed}: a device has to fit one of them. NULL: all devices.
  device_limit jsonb,
  version      int NOT NULL DEFAULT 1,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, name)
);

-- The same address may be a user of several tenants: neither of them learns of the other.
CREATE TABLE app_user (
  user_id         uuid PRIMARY KEY,
  tenant_id       int NOT NULL REFERENCES tenant,
  -- In lower case. Of an erased user its id.
  email           text NOT NULL,
  name            text,
  -- As a PHC string. NULL: no login with a password.
  password_hash   text,
  roles           text[] NOT NULL DEFAULT '{}',
  state           text NOT NULL DEFAULT 'active',
  -- Sealed. In use once it is confirmed; a step is good once.
  totp_secret     bytea,
  totp_confirmed  boolean NOT NULL DEFAULT false,
  totp_last_step  bigint NOT NULL DEFAULT 0,
  recovery_hashes bytea[] NOT NULL DEFAULT '{}',
  last_login_at   timestamptz,
  version         int NOT NULL DEFAULT 1,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, email)
);

-- One for each login, with its only good refresh token: an older one that comes back means that somebody else has it.
CREATE TABLE login (
  login_id     uuid PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  user_id      uuid NOT NULL REFERENCES app_user,
  generation   int NOT NULL DEFAULT 1,
  refresh_hash bytea NOT NULL,
  address      text,
  user_agent   text,
  created_at   timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  revoked_at   timestamptz,
  revoked_for  text
);
CREATE INDEX login_user ON login (user_id) WHERE revoked_at IS NULL;
CREATE INDEX login_expires ON login (expires_at);

-- API keys of programs.
ALTER TABLE api_key
  ADD COLUMN roles        text[] NOT NULL DEFAULT '{}',
  -- NULL: all that its roles have.
  ADD COLUMN permissions  text[],
  ADD COLUMN created_by   text,
  ADD COLUMN expires_at   timestamptz,
  ADD COLUMN last_used_at timestamptz;
UPDATE api_key SET roles = ARRAY[role];
ALTER TABLE api_key DROP COLUMN role;
CREATE INDEX api_key_tenant ON api_key (tenant_id, key_id);

-- Keys that sign tokens: ES256. The newest that is good already signs; all that are not retired verify.
CREATE TABLE signing_key (
  kid         text PRIMARY KEY,
  public_jwk  jsonb NOT NULL,
  private_key bytea NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  signs_from  timestamptz NOT NULL DEFAULT now(),
  retires_at  timestamptz
);

-- Keys that seal secrets, each encrypted with the key of this system, of which only the fingerprint is here.
CREATE TABLE data_key (
  data_key_id  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  wrapped      bytea NOT NULL,
  wrapped_with text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now()
);

-- What devices are.
ALTER TABLE device
  ADD COLUMN state_reason     text,
  ADD COLUMN state_changed_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN capabilities     text[] NOT NULL DEFAULT '{}',
  ADD COLUMN claim_hash       bytea,
  ADD COLUMN claim_expires_at timestamptz,
  ADD COLUMN claimed_by       uuid REFERENCES app_user,
  ADD COLUMN claimed_at       timestamptz,
  ADD COLUMN erased_at        timestamptz;
CREATE UNIQUE INDEX device_claim ON device (tenant_id, claim_hash) WHERE claim_hash IS NOT NULL;
CREATE INDEX device_claimed_by ON device (claimed_by) WHERE claimed_by IS NOT NULL;

-- How it came to its state, the newest with the highest number.
CREATE TABLE device_lifecycle (
  device_uid bigint NOT NULL REFERENCES device,
  step_id    bigint GENERATED ALWAYS AS IDENTITY,
  from_state text,
  to_state   text NOT NULL,
  reason     text,
  changed_by text NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (device_uid, step_id)
);

-- Credentials of devices.
ALTER TABLE device_key
  ADD COLUMN name         text,
  -- NULL: all.
  ADD COLUMN scopes       text[],
  ADD COLUMN expires_at   timestamptz,
  ADD COLUMN last_used_at timestamptz;
CREATE TABLE device_token (
  token_id   uuid PRIMARY KEY,
  device_uid bigint NOT NULL REFERENCES device,
  scopes     text[],
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX device_token_device ON device_token (device_uid);
CREATE INDEX device_token_expires ON device_token (expires_at);

-- The authority that signs certificates of devices; its key is sealed. The newest one signs.
CREATE TABLE certificate_authority (
  authority_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  certificate  text NOT NULL,
  private_key  bytea NOT NULL,
  not_after    timestamptz NOT NULL,
  crl_number   bigint NOT NULL DEFAULT 0,
  created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE certificate (
  -- Upper-case hex.
  serial_number text PRIMARY KEY,
  authority_id  int NOT NULL REFERENCES certificate_authority,
  tenant_id     int NOT NULL REFERENCES tenant,
  -- Of one for a provisioning batch: none.
  device_uid    bigint REFERENCES device,
  batch_id      uuid,
  common_name   text NOT NULL,
  fingerprint   text NOT NULL UNIQUE,
  issued_from   text NOT NULL,
  issued_by     text NOT NULL,
  not_before    timestamptz NOT NULL,
  not_after     timestamptz NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  revoked_at    timestamptz,
  revoked_for   text
);
CREATE INDEX certificate_device ON certificate (device_uid);
CREATE INDEX certificate_tenant ON certificate (tenant_id, created_at DESC, serial_number DESC);
CREATE INDEX certificate_revoked ON certificate (revoked_at) WHERE revoked_at IS NOT NULL;

-- Many devices of one make, that get their identities themselves.
CREATE TABLE provisioning_batch (
  batch_id     uuid PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  name         text NOT NULL,
  device_type  text,
  tags         text[] NOT NULL DEFAULT '{}',
  groups       text[] NOT NULL DEFAULT '{}',
  metadata     jsonb NOT NULL DEFAULT '{}',
  -- `any`: makes a device of any id; `listed`: only those whose ids were listed before.
  admits       text NOT NULL,
  key_id       text NOT NULL UNIQUE,
  secret_hash  bytea NOT NULL,
  max_devices  int,
  devices      int NOT NULL DEFAULT 0,
  state        text NOT NULL DEFAULT 'open',
  created_by   text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz,
  UNIQUE (tenant_id, name)
);
-- Each device of a batch gets its identity once.
CREATE TABLE provisioning_device (
  batch_id       uuid NOT NULL REFERENCES provisioning_batch ON DELETE CASCADE,
  device_id      text NOT NULL,
  provisioned_at timestamptz,
  PRIMARY KEY (batch_id, device_id)
);

-- Devices imported from a file, line by line.
CREATE TABLE device_import (
  import_id    uuid PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  format       text NOT NULL,
  state        text NOT NULL,
  total        int NOT NULL,
  created      int NOT NULL DEFAULT 0,
  refused      int NOT NULL DEFAULT 0,
  requested_by text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  ended_at     timestamptz,
  instance_id  uuid,
  due_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX device_import_tenant ON device_import (tenant_id, import_id);
CREATE INDEX device_import_due ON device_import (due_at) WHERE ended_at IS NULL;
CREATE TABLE device_import_line (
  import_id uuid NOT NULL REFERENCES device_import ON DELETE CASCADE,
  line      int NOT NULL,
  content   jsonb,
  state     text NOT NULL DEFAULT 'pending',
  device_id text,
  reason    text,
  detail    text,
  -- The new key, sealed, until it was read or its time is over.
  sealed    bytea,
  PRIMARY KEY (import_id, line)
);

-- Places and things that devices belong to. Each is one table of the same shape: what is said of one is in `fields`.
CREATE TABLE location (
  tenant_id  int NOT NULL REFERENCES tenant,
  id         text NOT NULL,
  name       text NOT NULL,
  parent_id  text,
  fields     jsonb NOT NULL DEFAULT '{}',
  version    int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE TABLE asset (
  tenant_id   int NOT NULL REFERENCES tenant,
  id          text NOT NULL,
  name        text NOT NULL,
  parent_id   text,
  location_id text,
  device_id   text,
  fields      jsonb NOT NULL DEFAULT '{}',
  version     int NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX asset_device ON asset (tenant_id, device_id) WHERE device_id IS NOT NULL;
CREATE INDEX asset_location ON asset (tenant_id, location_id) WHERE location_id IS NOT NULL;

-- A type is also a template: what its devices measure and have, besides the commands that they know.
ALTER TABLE device_type
  ADD COLUMN measurements jsonb,
  ADD COLUMN properties   jsonb,
  ADD COLUMN capabilities text[] NOT NULL DEFAULT '{}';

-- What no longer works, for a short while: every node reads it each second, so that nobody depends on a message of the bus.
CREATE TABLE revocation (
  revocation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at            timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind          text NOT NULL,
  tenant        text NOT NULL,
  subject       text NOT NULL,
  device        text
);
CREATE INDEX revocation_at ON revocation (at);

-- Whether a device is one of those that a role is limited to. NULL: it is not limited.
CREATE FUNCTION device_fits(d device, fits jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT fits IS NULL
    OR d.device_type IN (SELECT jsonb_array_elements_text(fits -> 'types'))
    OR EXISTS (SELECT FROM jsonb_array_elements_text(fits -> 'tags') AS tag WHERE tag = ANY (d.tags))
    OR d.claimed_by = (fits ->> 'claimedBy')::uuid
    OR EXISTS (
      SELECT FROM device_group g JOIN device_group_member m USING (group_uid)
      WHERE g.tenant_id = d.tenant_id AND m.device_uid = d.device_uid
        AND g.name IN (SELECT jsonb_array_elements_text(fits -> 'groups')))
$$;

-- The audit log: one chain for each tenant. Each row holds the hash of the one before it and of itself, so that one that was changed or
-- taken out shows; `audit_head` knows the last one. Nothing in it is ever changed.
CREATE TABLE audit_head (
  tenant_id int PRIMARY KEY REFERENCES tenant,
  seq       bigint NOT NULL,
  hash      bytea NOT NULL
);
CREATE TABLE audit_entry (
  tenant_id int NOT NULL REFERENCES tenant,
  seq       bigint NOT NULL,
  at        timestamptz NOT NULL,
  actor     text NOT NULL,
  act       text NOT NULL,
  target    text,
  address   text,
  result    text NOT NULL,
  data      jsonb NOT NULL,
  hash      bytea NOT NULL,
  PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX audit_entry_at ON audit_entry (tenant_id, at);
CREATE INDEX audit_entry_target ON audit_entry (tenant_id, target, seq);

-- What a row's hash is of. docs/audit.md says it in words.
CREATE FUNCTION audit_hash(
  before bytea, seq bigint, at timestamptz, actor text, act text, target text, address text, result text, data jsonb
) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(before || convert_to(jsonb_build_array(
    seq, (extract(epoch FROM at) * 1000000)::bigint, actor, act, target, address, result, data)::text, 'UTF8'))
$$;

CREATE FUNCTION audit_append(
  of_tenant int, new_actor text, new_act text, new_target text, new_address text, new_result text, new_data jsonb
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  head audit_head%ROWTYPE;
  now_at timestamptz := clock_timestamp();
BEGIN
  INSERT INTO audit_head VALUES (of_tenant, 0, '\x') ON CONFLICT DO NOTHING;
  SELECT * INTO head FROM audit_head WHERE tenant_id = of_tenant FOR UPDATE;
  head.seq := head.seq + 1;
  head.hash := audit_hash(head.hash, head.seq, now_at, new_actor, new_act, new_target, new_address, new_result, new_data);
  INSERT INTO audit_entry VALUES (of_tenant, head.seq, now_at, new_actor, new_act, new_target, new_address, new_result, new_data, head.hash);
  UPDATE audit_head SET seq = head.seq, hash = head.hash WHERE tenant_id = of_tenant;
  RETURN head.seq;
END
$$;

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only ever appended to';
END
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
