-- Files of telemetry that somebody asked for, once or by a schedule. The files themselves are blobs.

CREATE TABLE telemetry_export_schedule (
  schedule_id    uuid PRIMARY KEY,
  tenant_id      int NOT NULL REFERENCES tenant,
  name           text NOT NULL,
  cron           text NOT NULL,
  timezone       text NOT NULL,
  -- What of the past each of its exports covers: 'previous day'.
  covers         text NOT NULL,
  request        jsonb NOT NULL,
  -- Which devices its maker may see, for device_fits; null: all.
  within         jsonb,
  is_paused      boolean NOT NULL DEFAULT false,
  -- The next time that the pattern names; null: there is none any more.
  next_at        timestamptz,
  -- When it is looked at: at that time, or later while the tenant has as many exports under way as it may have.
  due_at         timestamptz,
  last_due_time  timestamptz,
  last_export_id uuid,
  requested_by   text NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT telemetry_export_schedule_name UNIQUE (tenant_id, name)
);
CREATE INDEX telemetry_export_schedule_due ON telemetry_export_schedule (due_at) WHERE NOT is_paused;

CREATE TABLE telemetry_export (
  export_id    uuid PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  schedule_id  uuid REFERENCES telemetry_export_schedule ON DELETE SET NULL,
  due_time     timestamptz,
  request      jsonb NOT NULL,
  within       jsonb,
  from_at      timestamptz NOT NULL,
  to_at        timestamptz NOT NULL,
  state        text NOT NULL CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
  -- The last reading that is in a part: the next part begins after it.
  place        jsonb,
  series_total int NOT NULL DEFAULT 0,
  series_done  int NOT NULL DEFAULT 0,
  -- How much of the time of the series under way is done.
  series_share float8 NOT NULL DEFAULT 0,
  rows         bigint NOT NULL DEFAULT 0,
  bytes        bigint NOT NULL DEFAULT 0,
  parts        int NOT NULL DEFAULT 0,
  -- Turns that failed, since the last one that did not.
  failures     int NOT NULL DEFAULT 0,
  reason       text,
  detail       text,
  requested_by text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  ended_at     timestamptz,
  expires_at   timestamptz,
  -- Nobody sees it any more; its files are being removed.
  removed_at   timestamptz,
  instance_id  uuid,
  -- Its next turn: while it has not ended, and then when its files are to be removed.
  due_at       timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT telemetry_export_due_time UNIQUE (schedule_id, due_time)
) WITH (fillfactor = 50);
CREATE INDEX telemetry_export_tenant ON telemetry_export (tenant_id, export_id);
CREATE INDEX telemetry_export_under_way ON telemetry_export (tenant_id) WHERE ended_at IS NULL;
CREATE INDEX telemetry_export_due ON telemetry_export (due_at);

-- The file of an export is its parts, one behind the other: of each blob the bytes from `skip_bytes` on, which begin in the file at `start_byte`.
CREATE TABLE telemetry_export_part (
  export_id  uuid NOT NULL REFERENCES telemetry_export ON DELETE CASCADE,
  part       int NOT NULL,
  key        text NOT NULL,
  skip_bytes bigint NOT NULL,
  bytes      bigint NOT NULL,
  start_byte bigint NOT NULL,
  PRIMARY KEY (export_id, part)
);
