-- How long telemetry stays where: policies, what must not be removed, and what was archived or removed.

-- Of several that fit, the one that says most counts as a whole: measurement and type, measurement, type, neither.
CREATE TABLE storage_policy (
  tenant_id           int NOT NULL REFERENCES tenant,
  name                text NOT NULL,
  description         text,
  device_type         text,
  measurement         text,
  -- After so many days rows become files, are removed (rows or files), and their rollups are. NULL: never.
  archive_after_days  int CHECK (archive_after_days > 0),
  drop_after_days     int CHECK (drop_after_days > 0),
  rollups_keep_days   int CHECK (rollups_keep_days > 0),
  version             int NOT NULL DEFAULT 1,
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, name),
  CONSTRAINT storage_policy_scope UNIQUE NULLS NOT DISTINCT (tenant_id, device_type, measurement)
);

-- What it covers is neither archived, nor dropped, nor erased while it is not released. NULL: all of them, or no end.
CREATE TABLE legal_hold (
  hold_id        uuid PRIMARY KEY,
  tenant_id      int NOT NULL REFERENCES tenant,
  device_id      text,
  device_type    text,
  measurement    text,
  from_at        timestamptz,
  to_at          timestamptz,
  reason         text NOT NULL,
  made_by        text NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT now(),
  released_at    timestamptz,
  released_by    text,
  release_reason text
);
CREATE INDEX legal_hold_tenant ON legal_hold (tenant_id, hold_id);
CREATE INDEX legal_hold_open ON legal_hold (tenant_id) WHERE released_at IS NULL;
-- Devices that had the type that a hold names while it held, and have another one now: it covers them all the same.
CREATE TABLE legal_hold_device (
  hold_id    uuid NOT NULL REFERENCES legal_hold ON DELETE CASCADE,
  device_uid int NOT NULL,
  PRIMARY KEY (hold_id, device_uid)
);

-- Whoever makes a hold waits for removals under way in its tenant, and those that come after see it.
CREATE FUNCTION telemetry_removal_lock(tenant int) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT (hashtext('telemetry_removal')::bigint << 32) | tenant
$$;

-- So that nobody gets out of a hold by giving a device another type. Waits for a hold that is being made just now.
CREATE FUNCTION legal_hold_keep_device() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(telemetry_removal_lock(OLD.tenant_id));
  INSERT INTO legal_hold_device
  SELECT hold_id, OLD.device_uid FROM legal_hold
  WHERE tenant_id = OLD.tenant_id AND released_at IS NULL AND device_type = OLD.device_type
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER legal_hold_keep_device AFTER UPDATE OF device_type ON device FOR EACH ROW
WHEN (OLD.device_type IS NOT NULL AND OLD.device_type IS DISTINCT FROM NEW.device_type) EXECUTE FUNCTION legal_hold_keep_device();

-- A file of rows of one day. `writing`: nothing of it counts yet. `valid`: its rows are in it and nowhere else. `removing`: it counts no more.
CREATE TABLE telemetry_archive (
  archive_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id       int NOT NULL REFERENCES tenant,
  day             int NOT NULL,
  state           text NOT NULL CHECK (state IN ('writing', 'valid', 'removing')),
  key             text NOT NULL UNIQUE,
  policy          text,
  rows            bigint NOT NULL DEFAULT 0,
  bytes           bigint NOT NULL DEFAULT 0,
  -- Of the content, in its order: what is read back must have it.
  checksum        bytea,
  -- Its series: at each place a device and a measurement.
  device_uids     int[] NOT NULL DEFAULT '{}',
  measurement_ids int[] NOT NULL DEFAULT '{}',
  first_device    int NOT NULL DEFAULT 0,
  last_device     int NOT NULL DEFAULT 0,
  first_ts        timestamptz,
  last_ts         timestamptz,
  changed_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX telemetry_archive_day ON telemetry_archive (tenant_id, day) WHERE state = 'valid';
CREATE INDEX telemetry_archive_not_valid ON telemetry_archive (changed_at) WHERE state <> 'valid';

-- Hours, counted from 1970, whose rows were archived or dropped. Their rollups are the record of them, and are never made of rows again: what
-- comes late into such an hour is marked in telemetry_change, stays marked, and is to be added to what the rollups say.
CREATE TABLE telemetry_removed (
  device_uid     int NOT NULL,
  measurement_id int NOT NULL,
  hours          int4multirange NOT NULL,
  PRIMARY KEY (device_uid, measurement_id)
) WITH (fillfactor = 70);
-- The same of all series together: a continuous aggregate is refreshed for all of them at once.
CREATE TABLE telemetry_removed_days (
  day int PRIMARY KEY
);
CREATE FUNCTION telemetry_is_removed(device int, measurement int, at timestamptz) RETURNS bool LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT hours @> floor(extract(epoch FROM at) / 3600)::int FROM telemetry_removed
                   WHERE device_uid = device AND measurement_id = measurement), false)
$$;
CREATE FUNCTION telemetry_day_has_removed(at timestamptz) RETURNS bool LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM telemetry_removed_days WHERE day = floor(extract(epoch FROM at) / 86400)::int)
$$;
-- No rollups will be made of what is marked here: it is late in an hour of its own series, or, with TimescaleDB, in a day of any.
CREATE FUNCTION telemetry_is_late(device int, measurement int, at timestamptz) RETURNS bool LANGUAGE sql STABLE AS $$
  SELECT telemetry_is_removed(device, measurement, at)
    OR ((SELECT kind = 'hypertable' FROM telemetry_layout) AND telemetry_day_has_removed(at))
$$;

-- A tenant's day that is to be looked at: who takes it puts `due_at` as far into the future as its lease goes.
CREATE TABLE telemetry_sweep (
  tenant_id   int NOT NULL REFERENCES tenant,
  day         int NOT NULL,
  due_at      timestamptz NOT NULL DEFAULT now(),
  instance_id uuid,
  PRIMARY KEY (tenant_id, day)
);
CREATE INDEX telemetry_sweep_due ON telemetry_sweep (due_at);

-- The parts that a table of telemetry or of rollups lies in, from one day to before another: `telemetry` or `telemetry_1m`.
CREATE FUNCTION telemetry_parts(parent text) RETURNS TABLE (name text, from_day int, to_day int, bytes bigint, rows bigint, is_compressed bool)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF (SELECT kind = 'hypertable' FROM telemetry_layout) THEN
    RETURN QUERY
    SELECT format('%I.%I', c.chunk_schema, c.chunk_name), floor(extract(epoch FROM c.range_start) / 86400)::int,
      ceil(extract(epoch FROM c.range_end) / 86400)::int,
      -- One that is dropped meanwhile takes nothing.
      (coalesce(pg_total_relation_size(to_regclass(format('%I.%I', c.chunk_schema, c.chunk_name))), 0)
        + coalesce((SELECT pg_total_relation_size(to_regclass(format('%I.%I', z.schema_name, z.table_name)))
                    FROM _timescaledb_catalog.chunk o JOIN _timescaledb_catalog.chunk z ON z.id = o.compressed_chunk_id
                    WHERE o.schema_name = c.chunk_schema AND o.table_name = c.chunk_name), 0))::bigint,
      greatest(0, (SELECT reltuples FROM pg_class WHERE oid = to_regclass(format('%I.%I', c.chunk_schema, c.chunk_name))))::bigint,
      coalesce(c.is_compressed, false)
    FROM timescaledb_information.chunks c
    WHERE format('%I.%I', c.hypertable_schema, c.hypertable_name)::regclass = telemetry_rollup_table(parent);
  ELSE
    RETURN QUERY
    SELECT p.relname::text, p.first_day - date '1970-01-01',
      CASE length(p.stamp) WHEN 6 THEN (p.first_day + interval '1 month')::date ELSE p.first_day + 1 END - date '1970-01-01',
      coalesce(pg_total_relation_size(p.oid), 0), greatest(0, p.reltuples)::bigint, false
    FROM (
      SELECT c.oid, c.relname, c.reltuples, substring(c.relname FROM '_(\d+)$') AS stamp,
        to_date(rpad(substring(c.relname FROM '_(\d+)$'), 8, '01'), 'YYYYMMDD') AS first_day
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = parent::regclass
    ) p WHERE p.stamp IS NOT NULL;
  END IF;
END $$;

-- The table in which rows or rollups really are.
CREATE FUNCTION telemetry_rollup_table(name text) RETURNS regclass LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF name <> 'telemetry' AND (SELECT kind = 'hypertable' FROM telemetry_layout) THEN
    RETURN (SELECT format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)::regclass
            FROM timescaledb_information.continuous_aggregates WHERE view_name = name);
  END IF;
  RETURN name::regclass;
END $$;

-- Removes rollups between two moments: of a series for each place of the lists; of all measurements of a device where there is none.
CREATE FUNCTION telemetry_remove_rollups(devices int[], measurements int[], from_at timestamptz, to_at timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  rollup text;
  gone bigint := 0;
  part bigint;
BEGIN
  FOREACH rollup IN ARRAY ARRAY['telemetry_1m', 'telemetry_1h', 'telemetry_1d'] LOOP
    EXECUTE format(
      'DELETE FROM %s r USING unnest($1, $2) AS it (device, measurement)
       WHERE r.device_uid = it.device AND (it.measurement IS NULL OR r.measurement_id = it.measurement) AND r.bucket >= $3 AND r.bucket < $4',
      telemetry_rollup_table(rollup)) USING devices, measurements, from_at, to_at;
    GET DIAGNOSTICS part = ROW_COUNT;
    gone := gone + part;
  END LOOP;
  RETURN gone;
END $$;

-- Nobody reads or writes the part until the transaction ends.
CREATE FUNCTION telemetry_lock_part(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', name::regclass);
END $$;
CREATE FUNCTION telemetry_drop_part(parent text, name text, from_day int, to_day int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT kind = 'hypertable' FROM telemetry_layout) THEN
    PERFORM drop_chunks(telemetry_rollup_table(parent), older_than => 'epoch'::timestamptz + to_day * interval '24 hours',
                        newer_than => 'epoch'::timestamptz + from_day * interval '24 hours');
  ELSE
    EXECUTE format('DROP TABLE %s', name::regclass);
  END IF;
END $$;

-- What the rollups of hours and of days take.
CREATE FUNCTION telemetry_rollup_sizes() RETURNS TABLE (bytes bigint, rows bigint, parts bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF (SELECT kind = 'hypertable' FROM telemetry_layout) THEN
    RETURN QUERY
    SELECT hypertable_size(telemetry_rollup_table(r.name))::bigint, greatest(0, approximate_row_count(telemetry_rollup_table(r.name)))::bigint,
      (SELECT count(*) FROM show_chunks(telemetry_rollup_table(r.name)))
    FROM (VALUES ('telemetry_1h'), ('telemetry_1d')) AS r (name);
  ELSE
    RETURN QUERY
    SELECT pg_total_relation_size(c.oid), greatest(0, c.reltuples)::bigint, 1::bigint
    FROM pg_class c WHERE c.oid IN ('telemetry_1h'::regclass, 'telemetry_1d'::regclass);
  END IF;
END $$;
