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
  -- Of the part that all refresh tokens of the login have in common: so an older one is known to have been one.
  family_hash  bytea NOT NULL DEFAULT '\x',
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
CREATE INDEX login_revoked ON login (revoked_at) WHERE revoked_at IS NOT NULL;

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

-- Keys that sign tokens: ES256. The newest of which `signs_from` is over signs. An older one verifies until `retires_at`, when the last token that it
-- signed has ended; one that never signed has none.
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
  created_at   timestamptz NOT NULL DEFAULT now(),
  -- The newest of which this is over seals: until then every node reads it.
  seals_from   timestamptz NOT NULL DEFAULT now(),
  -- Of an older one: nothing was sealed with it any more when this was looked at.
  resealed_at  timestamptz
);
-- Which key of the system a node has: its fingerprint.
ALTER TABLE node_session ADD COLUMN system_key text;

-- What devices are.
ALTER TABLE device
  ADD COLUMN state_reason     text,
  ADD COLUMN state_changed_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN capabilities     text[] NOT NULL DEFAULT '{}',
  ADD COLUMN claim_hash       bytea,
  ADD COLUMN claim_expires_at timestamptz,
  ADD COLUMN claimed_by       uuid REFERENCES app_user,
  ADD COLUMN claimed_at       timestamptz,
  -- What is stored of it is being erased, in turns: from then on its actor is not loaded any more, so nothing new is stored.
  ADD COLUMN erasure_started_at timestamptz,
  ADD COLUMN erasure_due_at   timestamptz,
  ADD COLUMN erased_at        timestamptz;
CREATE INDEX device_erasure ON device (erasure_due_at) WHERE erasure_due_at IS NOT NULL;
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
-- Of devices that were there before, what is known.
INSERT INTO device_lifecycle (device_uid, to_state, changed_by, at)
SELECT device_uid, 'registered', 'system', created_at FROM device;
INSERT INTO device_lifecycle (device_uid, from_state, to_state, changed_by, at)
SELECT device_uid, 'registered', state, 'system', updated_at FROM device WHERE state <> 'registered';

-- Credentials of devices.
ALTER TABLE device_key
  ADD COLUMN name         text,
  -- NULL: all.
  ADD COLUMN scopes       text[],
  -- `provisioning`: it is replaced when the device is provisioned again.
  ADD COLUMN issued_from  text NOT NULL DEFAULT 'request',
  ADD COLUMN expires_at   timestamptz,
  ADD COLUMN last_used_at timestamptz;
CREATE INDEX device_key_expires ON device_key (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX device_key_revoked ON device_key (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE TABLE device_token (
  token_id   uuid PRIMARY KEY,
  device_uid bigint NOT NULL REFERENCES device,
  scopes     text[],
  issued_from text NOT NULL DEFAULT 'request',
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
  -- NULL: all.
  scopes        text[],
  issued_from   text NOT NULL,
  issued_by     text NOT NULL,
  not_before    timestamptz NOT NULL,
  not_after     timestamptz NOT NULL,
  -- Of one that its device renewed: when it is good no more.
  replaced_from timestamptz,
  created_at    timestamptz NOT NULL DEFAULT now(),
  revoked_at    timestamptz,
  revoked_for   text
);
CREATE INDEX certificate_device ON certificate (device_uid, not_after, serial_number);
CREATE INDEX certificate_batch ON certificate (batch_id, not_after, serial_number) WHERE batch_id IS NOT NULL;
CREATE INDEX certificate_tenant ON certificate (tenant_id, not_after, serial_number);
CREATE INDEX certificate_end ON certificate (not_after);
CREATE INDEX certificate_ended ON certificate (authority_id, not_after)
  WHERE revoked_at IS NOT NULL OR replaced_from IS NOT NULL;

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
  listed       int NOT NULL DEFAULT 0,
  -- Each device gets a claim code with its identity.
  claim_codes  boolean NOT NULL DEFAULT false,
  state        text NOT NULL DEFAULT 'open',
  created_by   text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz,
  UNIQUE (tenant_id, name)
);
CREATE INDEX provisioning_batch_tenant ON provisioning_batch (tenant_id, batch_id);
-- Each device of a batch gets its identity once: `provisioned_at` says that it has it. `device_uid`: it was made by this batch.
CREATE TABLE provisioning_device (
  batch_id       uuid NOT NULL REFERENCES provisioning_batch ON DELETE CASCADE,
  device_id      text NOT NULL,
  device_uid     bigint REFERENCES device,
  provisioned_at timestamptz,
  PRIMARY KEY (batch_id, device_id)
);

-- Devices imported from a file, line by line. A turn is one transaction that holds the row of its import: what it made and what it says of the
-- lines are there together or not at all, and a node that dies gives everything back.
CREATE TABLE device_import (
  import_id    uuid PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  format       text NOT NULL,
  -- Of one whose lines are still coming: `receiving`.
  state        text NOT NULL,
  dry_run      boolean NOT NULL,
  total        int NOT NULL DEFAULT 0,
  created      int NOT NULL DEFAULT 0,
  refused      int NOT NULL DEFAULT 0,
  requested_by text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  ended_at     timestamptz,
  -- When it has its next turn.
  due_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX device_import_tenant ON device_import (tenant_id, import_id);
CREATE INDEX device_import_due ON device_import (due_at) WHERE state = 'running';
CREATE TABLE device_import_line (
  import_id uuid NOT NULL REFERENCES device_import ON DELETE CASCADE,
  line      int NOT NULL,
  content   jsonb,
  state     text NOT NULL DEFAULT 'pending',
  device_id text,
  reason    text,
  detail    text,
  -- The new key, sealed, until it is forgotten.
  sealed    bytea,
  PRIMARY KEY (import_id, line)
);
CREATE INDEX device_import_device ON device_import_line (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX device_import_pending ON device_import_line (import_id, line) WHERE state = 'pending';
CREATE INDEX device_import_sealed ON device_import_line (import_id, line) WHERE sealed IS NOT NULL;

-- Places and things that devices belong to. The keys name the tenant, so that none refers to another tenant's.
CREATE TABLE location (
  tenant_id   int NOT NULL REFERENCES tenant,
  id          text NOT NULL,
  name        text NOT NULL,
  -- site, building, floor, room: whatever the tenant says.
  kind        text,
  parent_id   text,
  -- {latitude, longitude}, in degrees.
  coordinates jsonb,
  address     text,
  metadata    jsonb NOT NULL DEFAULT '{}',
  tags        text[] NOT NULL DEFAULT '{}',
  version     int NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES location
);
CREATE INDEX location_parent ON location (tenant_id, parent_id) WHERE parent_id IS NOT NULL;
-- A device may say where it is with {"locationId": "..."}; what is longer is no id, and would be too much for an index.
CREATE INDEX device_location ON device (tenant_id, (location ->> 'locationId')) WHERE length(location ->> 'locationId') <= 200;
CREATE TABLE asset (
  tenant_id     int NOT NULL REFERENCES tenant,
  id            text NOT NULL,
  name          text NOT NULL,
  model         text,
  manufacturer  text,
  serial_number text,
  -- YYYY-MM-DD.
  install_date  text,
  owner         text,
  parent_id     text,
  location_id   text,
  device_id     text,
  -- By name: {implementation, configuration}.
  capabilities  jsonb NOT NULL DEFAULT '{}',
  metadata      jsonb NOT NULL DEFAULT '{}',
  tags          text[] NOT NULL DEFAULT '{}',
  version       int NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES asset,
  FOREIGN KEY (tenant_id, location_id) REFERENCES location,
  FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id)
);
CREATE INDEX asset_parent ON asset (tenant_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX asset_device ON asset (tenant_id, device_id) WHERE device_id IS NOT NULL;
CREATE INDEX asset_location ON asset (tenant_id, location_id) WHERE location_id IS NOT NULL;

-- A type is also a template: what its devices measure and have, besides the commands that they know.
ALTER TABLE device_type
  ADD COLUMN measurements jsonb,
  ADD COLUMN properties   jsonb,
  ADD COLUMN capabilities text[] NOT NULL DEFAULT '{}',
  -- By name of a capability: which {properties, measurements, commands} are its part.
  ADD COLUMN capability_details jsonb;

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

-- How much of its quotas a tenant uses: counted by triggers, so that nobody forgets to. In several rows, so that transactions which count at the
-- same time seldom wait for each other; their sum is what counts.
CREATE TABLE tenant_usage (
  tenant_id int NOT NULL REFERENCES tenant,
  quota     text NOT NULL,
  slot      smallint NOT NULL,
  used      bigint NOT NULL,
  PRIMARY KEY (tenant_id, quota, slot)
);
CREATE FUNCTION usage_change(of_tenant int, of_quota text, change bigint) RETURNS void LANGUAGE sql AS $$
  INSERT INTO tenant_usage AS u VALUES (of_tenant, of_quota, pg_backend_pid() % 16, change)
  ON CONFLICT (tenant_id, quota, slot) DO UPDATE SET used = u.used + change
$$;
CREATE FUNCTION usage_of(of_tenant int, of_quota text) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(sum(used), 0)::bigint FROM tenant_usage WHERE tenant_id = of_tenant AND quota = of_quota
$$;
-- Of a statement that makes or removes rows: `touched` has them, and the second argument of the trigger says which ones count.
CREATE FUNCTION usage_of_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT usage_change(tenant_id, %L, %s count(*)) FROM touched WHERE %s GROUP BY tenant_id ORDER BY tenant_id',
    TG_ARGV[0], CASE TG_OP WHEN 'INSERT' THEN '' ELSE '-' END, TG_ARGV[1]);
  RETURN NULL;
END
$$;
-- Of a row that begins to count, or no longer does.
CREATE FUNCTION usage_of_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM usage_change(NEW.tenant_id, TG_ARGV[0], TG_ARGV[1]::bigint);
  RETURN NULL;
END
$$;

CREATE TRIGGER device_made AFTER INSERT ON device REFERENCING NEW TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION usage_of_rows('devices', $$state <> 'decommissioned'$$);
CREATE TRIGGER device_gone AFTER DELETE ON device REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION usage_of_rows('devices', $$state <> 'decommissioned'$$);
CREATE TRIGGER device_ended AFTER UPDATE OF state ON device FOR EACH ROW
  WHEN (OLD.state <> 'decommissioned' AND NEW.state = 'decommissioned') EXECUTE FUNCTION usage_of_row('devices', '-1');
CREATE TRIGGER device_back AFTER UPDATE OF state ON device FOR EACH ROW
  WHEN (OLD.state = 'decommissioned' AND NEW.state <> 'decommissioned') EXECUTE FUNCTION usage_of_row('devices', '1');
CREATE TRIGGER user_made AFTER INSERT ON app_user REFERENCING NEW TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION usage_of_rows('users', $$state <> 'erased'$$);
CREATE TRIGGER user_gone AFTER DELETE ON app_user REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION usage_of_rows('users', $$state <> 'erased'$$);
CREATE TRIGGER user_erased AFTER UPDATE OF state ON app_user FOR EACH ROW
  WHEN (OLD.state <> 'erased' AND NEW.state = 'erased') EXECUTE FUNCTION usage_of_row('users', '-1');
CREATE TRIGGER api_key_made AFTER INSERT ON api_key REFERENCING NEW TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION usage_of_rows('apiKeys', 'revoked_at IS NULL');
CREATE TRIGGER api_key_gone AFTER DELETE ON api_key REFERENCING OLD TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION usage_of_rows('apiKeys', 'revoked_at IS NULL');
CREATE TRIGGER api_key_revoked AFTER UPDATE OF revoked_at ON api_key FOR EACH ROW
  WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION usage_of_row('apiKeys', '-1');
CREATE TRIGGER api_key_back AFTER UPDATE OF revoked_at ON api_key FOR EACH ROW
  WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL) EXECUTE FUNCTION usage_of_row('apiKeys', '1');
SELECT usage_change(tenant_id, 'devices', count(*)) FROM device WHERE state <> 'decommissioned' GROUP BY tenant_id;
SELECT usage_change(tenant_id, 'apiKeys', count(*)) FROM api_key WHERE revoked_at IS NULL GROUP BY tenant_id;

-- Whether so many more are within the quota of the tenant; `usual` is its size when the tenant has none of its own. Exact, whoever adds at the
-- same time: who is far from the quota shares a lock with others that are, and who is near holds it alone until the transaction ends. Far means
-- that every connection that there can be could add one, and still all were within. So who adds several needs the lock alone.
CREATE FUNCTION within_quota(
  of_tenant int, of_quota text, usual bigint, adding bigint, OUT size bigint, OUT used bigint, OUT fits boolean
) LANGUAGE plpgsql AS $$
DECLARE
  at_once bigint := current_setting('max_connections')::bigint;
  turn int := hashtext('skein quota ' || of_quota);
BEGIN
  size := coalesce((SELECT (quotas ->> of_quota)::bigint FROM tenant WHERE tenant_id = of_tenant), usual);
  IF adding = 1 AND usage_of(of_tenant, of_quota) + at_once <= size THEN
    BEGIN
      PERFORM pg_advisory_xact_lock_shared(turn, of_tenant);
      used := usage_of(of_tenant, of_quota);
      fits := used + at_once <= size;
      IF fits THEN RETURN; END IF;
      -- Others came nearer while it waited. Undoing the block gives the shared lock back, so that two of them never wait for each other.
      RAISE EXCEPTION USING ERRCODE = 'SKQ01';
    EXCEPTION WHEN SQLSTATE 'SKQ01' THEN
    END;
  END IF;
  PERFORM pg_advisory_xact_lock(turn, of_tenant);
  used := usage_of(of_tenant, of_quota);
  fits := used + adding <= size;
END
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
