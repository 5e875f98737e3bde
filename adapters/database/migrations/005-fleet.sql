-- Types of devices, groups of devices, and jobs: the same for many devices.

-- A device names its type in device.device_type, whether the type is described here or not.
CREATE TABLE device_type (
  tenant_id   int NOT NULL REFERENCES tenant,
  name        text NOT NULL,
  description text,
  -- By name: {description, parameters, mode, priority, ttlMs}. NULL: nothing is said, so any command fits.
  commands    jsonb,
  version     int NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, name)
);
CREATE INDEX device_of_type ON device (tenant_id, device_type) WHERE device_type IS NOT NULL;

CREATE TABLE device_group (
  group_uid   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id   int NOT NULL REFERENCES tenant,
  name        text NOT NULL,
  description text,
  version     int NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, name)
);
CREATE TABLE device_group_member (
  group_uid  bigint NOT NULL REFERENCES device_group ON DELETE CASCADE,
  device_uid bigint NOT NULL REFERENCES device,
  PRIMARY KEY (group_uid, device_uid)
);
CREATE INDEX device_group_member_device ON device_group_member (device_uid);

-- A node takes a job that is due, puts `due_at` as far into the future as its lease goes, and gives it back with the time of the next
-- turn: so jobs take turns, and one whose node died is due again by itself. `position`: the device after which its next turn goes on.
CREATE TABLE job (
  job_id       uuid PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  kind         text NOT NULL,
  target       jsonb NOT NULL,
  request      jsonb NOT NULL,
  state        text NOT NULL,
  total        int NOT NULL,
  pending      int NOT NULL,
  done         int NOT NULL DEFAULT 0,
  refused      int NOT NULL DEFAULT 0,
  requested_by text NOT NULL,
  created_at   timestamptz NOT NULL,
  ended_at     timestamptz,
  instance_id  uuid,
  due_at       timestamptz NOT NULL,
  position     bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE INDEX job_tenant ON job (tenant_id, job_id);
CREATE INDEX job_due ON job (due_at) WHERE ended_at IS NULL;
CREATE INDEX job_ended ON job (ended_at) WHERE ended_at IS NOT NULL;

-- One for each device that the target meant when the job was made. The id of its command is made with it: whoever does it again asks for
-- the same command.
CREATE TABLE job_item (
  job_id     uuid NOT NULL REFERENCES job ON DELETE CASCADE,
  device_uid bigint NOT NULL REFERENCES device,
  command_id uuid,
  state      text NOT NULL DEFAULT 'pending',
  reason     text,
  detail     text,
  PRIMARY KEY (job_id, device_uid)
) WITH (fillfactor = 70);
CREATE INDEX job_item_pending ON job_item (job_id, device_uid) WHERE state = 'pending';
