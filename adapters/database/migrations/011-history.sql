-- Telemetry of former times, imported from files.

-- One file. It lies in the store of blobs until the import has ended (`has_file`). `place`: how far it was read, stored with what was read up to
-- there; `pieces` grows with each such step, so of two that do the same one only the first is stored. Who takes an import puts `due_at` as far
-- into the future as its lease goes. `within`: which devices the caller may see, for device_fits; null: all.
CREATE TABLE telemetry_import (
  import_id    uuid PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  format       text NOT NULL CHECK (format IN ('csv', 'ndjson', 'parquet')),
  form         text NOT NULL CHECK (form IN ('long', 'wide')),
  state        text NOT NULL CHECK (state IN ('receiving', 'running', 'completed', 'failed', 'cancelled', 'removing')),
  dry_run      bool NOT NULL,
  within       jsonb,
  columns      jsonb,
  bytes        bigint NOT NULL DEFAULT 0,
  has_file     bool NOT NULL DEFAULT true,
  place        jsonb NOT NULL DEFAULT '{}',
  pieces       int NOT NULL DEFAULT 0,
  lines        bigint NOT NULL DEFAULT 0,
  stored       bigint NOT NULL DEFAULT 0,
  duplicates   bigint NOT NULL DEFAULT 0,
  flagged      bigint NOT NULL DEFAULT 0,
  refused      bigint NOT NULL DEFAULT 0,
  reported     int NOT NULL DEFAULT 0,
  reasons      jsonb NOT NULL DEFAULT '{}',
  failure      text,
  requested_by text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  ended_at     timestamptz,
  due_at       timestamptz NOT NULL DEFAULT now(),
  -- How often it was taken since it last came further.
  tries        int NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE INDEX telemetry_import_tenant ON telemetry_import (tenant_id, import_id);
CREATE INDEX telemetry_import_due ON telemetry_import (due_at) WHERE state = 'running';

-- Lines that were refused, the first ones of each import. `line`: where it begins, from 1; of Parquet the row.
CREATE TABLE telemetry_import_refusal (
  import_id uuid NOT NULL REFERENCES telemetry_import ON DELETE CASCADE,
  line      bigint NOT NULL,
  device_id text,
  reason    text NOT NULL,
  detail    text,
  PRIMARY KEY (import_id, line)
);
