-- Tenants, keys, devices, telemetry, dead letters, and who may write.

CREATE TABLE tenant (
  tenant_id  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slug       text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Application keys. Only the hash of the secret is stored.
CREATE TABLE api_key (
  key_id      text PRIMARY KEY,
  tenant_id   int NOT NULL REFERENCES tenant,
  role        text NOT NULL,
  name        text NOT NULL,
  secret_hash bytea NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  revoked_at  timestamptz
);

CREATE TABLE device (
  device_uid  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id   int NOT NULL REFERENCES tenant,
  device_id   text NOT NULL,
  name        text,
  device_type text,
  state       text NOT NULL,
  location    jsonb,
  metadata    jsonb NOT NULL DEFAULT '{}',
  tags        text[] NOT NULL DEFAULT '{}',
  version     int NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, device_id)
);

CREATE TABLE device_key (
  key_id      text PRIMARY KEY,
  device_uid  bigint NOT NULL REFERENCES device,
  secret_hash bytea NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  revoked_at  timestamptz
);
CREATE INDEX device_key_device ON device_key (device_uid);

CREATE TABLE measurement (
  measurement_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id      int NOT NULL REFERENCES tenant,
  name           text NOT NULL,
  UNIQUE (tenant_id, name)
);

-- Which measurements a device has: the way to its newest values without reading its history.
CREATE TABLE device_measurement (
  device_uid     bigint NOT NULL,
  measurement_id int NOT NULL,
  PRIMARY KEY (device_uid, measurement_id)
);

-- A number has `value`; a boolean has both (0 or 1, and itself); anything else only `value_json`.
CREATE TABLE telemetry (
  device_uid     bigint NOT NULL,
  measurement_id int NOT NULL,
  ts             timestamptz NOT NULL,
  value          float8,
  value_json     jsonb,
  PRIMARY KEY (device_uid, measurement_id, ts)
);

-- Message ids that were stored, so that a message with an id is stored once even when the server made its timestamp.
CREATE TABLE message_receipt (
  device_uid  bigint NOT NULL,
  message_id  text NOT NULL,
  received_at timestamptz NOT NULL,
  PRIMARY KEY (device_uid, message_id)
);
CREATE INDEX message_receipt_received ON message_receipt (received_at);

CREATE TABLE dead_letter (
  dead_letter_id uuid PRIMARY KEY,
  tenant_id      int NOT NULL REFERENCES tenant,
  device_id      text NOT NULL,
  kind           text NOT NULL,
  topic          text NOT NULL,
  content_type   text NOT NULL,
  reason         text NOT NULL,
  detail         text NOT NULL,
  payload        bytea NOT NULL,
  received_at    timestamptz NOT NULL,
  replayed_at    timestamptz
);
CREATE INDEX dead_letter_newest ON dead_letter (tenant_id, received_at DESC, dead_letter_id DESC);
CREATE INDEX dead_letter_device ON dead_letter (tenant_id, device_id, received_at DESC);

-- One row for each run of a process, and the fence: a lane writes only while its row is open.
CREATE TABLE node_session (
  instance_id uuid PRIMARY KEY,
  node_id     text NOT NULL,
  state       text NOT NULL,
  started_at  timestamptz NOT NULL DEFAULT now(),
  closed_at   timestamptz
);
CREATE TABLE node_lane (
  instance_id uuid NOT NULL REFERENCES node_session,
  lane        int NOT NULL,
  open        boolean NOT NULL,
  commits     bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (instance_id, lane)
);

CREATE TABLE idempotency_key (
  tenant_id    int NOT NULL REFERENCES tenant,
  key          text NOT NULL,
  request_hash bytea NOT NULL,
  status       int NOT NULL,
  response     jsonb NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idempotency_key_created ON idempotency_key (created_at);
