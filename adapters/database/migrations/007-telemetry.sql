-- Telemetry by time: smaller rows in partitions of PostgreSQL or in a hypertable of TimescaleDB, and rollups beside them.

ALTER TABLE telemetry RENAME TO telemetry_before;
ALTER TABLE telemetry_before RENAME CONSTRAINT telemetry_pkey TO telemetry_before_pkey;

-- How telemetry lies in this database, decided once. Partitions of days begin at `daily_from`; what was measured before, which comes with
-- imports and from clocks that are wrong, lies in partitions of months, so that there are never too many.
CREATE TABLE telemetry_layout (
  kind         text NOT NULL CHECK (kind IN ('partitions', 'hypertable')),
  daily_from   date NOT NULL,
  -- There are rollups of minutes from this day on. It only moves forward, and what it leaves behind is dropped a day later.
  minutes_from date NOT NULL,
  -- Of a hypertable: rollups of days are stored up to this one, and made by the view from there on. Null: none is stored yet.
  days_to      date
);
INSERT INTO telemetry_layout
SELECT CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN 'hypertable' ELSE 'partitions' END, day, day
FROM (SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month')::date AS day) previous_month;

-- The day of a measurement's newest datapoint, as days since 1970: with it the newest one is found in one partition, whatever their number.
ALTER TABLE device_measurement ADD COLUMN newest_day int NOT NULL DEFAULT 0;

-- Hours of which the rollups do not say, or not yet, what the datapoints say. Marked in the transaction that stores a datapoint: with the
-- first one of its hour, and with each one of an hour that is over. So rollups and the datapoints of these hours are always the whole.
CREATE TABLE telemetry_change (
  device_uid     int NOT NULL,
  measurement_id int NOT NULL,
  hour           timestamptz NOT NULL,
  PRIMARY KEY (device_uid, measurement_id, hour)
);
-- Whoever makes rollups takes the oldest hours first, and in each the series side by side, as their datapoints lie.
CREATE INDEX telemetry_change_hour ON telemetry_change (hour, device_uid, measurement_id);

-- The variance of a union, from arrays of count, sum and sum of squared deviations: the one of PostgreSQL itself for parallel queries, which
-- neither loses digits nor fails for tiny numbers.
CREATE AGGREGATE combined_variance (float8[]) (SFUNC = float8_combine, STYPE = float8[], FINALFUNC = float8_var_pop, INITCOND = '{0,0,0}');

DO $$
DECLARE
  is_hypertable bool := (SELECT kind = 'hypertable' FROM telemetry_layout);
  rollup record;
BEGIN
  -- A number has `value`; a boolean has both (0 or 1, and itself); anything else only `value_json`. `quality` is in ten-thousandths;
  -- `flags` says what the type of the device found wrong (contracts/validation.ts). The order makes the row 48 bytes.
  EXECUTE 'CREATE TABLE telemetry (
    device_uid     int NOT NULL,
    measurement_id int NOT NULL,
    ts             timestamptz NOT NULL,
    value          float8,
    quality        smallint,
    flags          smallint,
    value_json     jsonb,
    PRIMARY KEY (device_uid, measurement_id, ts)
  )' || CASE WHEN is_hypertable THEN '' ELSE ' PARTITION BY RANGE (ts)' END;
  IF is_hypertable THEN
    PERFORM create_hypertable('telemetry', by_range('ts', interval '1 day'), create_default_indexes => false);
    ALTER TABLE telemetry SET (timescaledb.compress, timescaledb.compress_segmentby = 'device_uid, measurement_id',
                               timescaledb.compress_orderby = 'ts');
  END IF;
  -- Of numbers up to 1e100: the squares of larger ones cannot be added, and one of them would stop the rollups of everybody.
  FOR rollup IN SELECT * FROM (VALUES ('telemetry_1m', '1 minute'), ('telemetry_1h', '1 hour'), ('telemetry_1d', '1 day')) AS t (name, width) LOOP
    IF is_hypertable THEN
      EXECUTE format(
        'CREATE MATERIALIZED VIEW %I WITH (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false) AS
         SELECT device_uid, measurement_id, time_bucket(interval %L, ts) AS bucket, count(value) AS count, sum(value) AS sum, min(value) AS min,
           max(value) AS max, var_pop(value) AS variance, first(value, ts) AS first, last(value, ts) AS last
         FROM telemetry WHERE value BETWEEN -1e100 AND 1e100 GROUP BY 1, 2, 3 WITH NO DATA', rollup.name, rollup.width);
      EXECUTE format('CREATE INDEX ON %I (device_uid, measurement_id, bucket)', rollup.name);
    ELSE
      EXECUTE format(
        'CREATE TABLE %I (
           device_uid     int NOT NULL,
           measurement_id int NOT NULL,
           bucket         timestamptz NOT NULL,
           count          bigint NOT NULL,
           sum            float8 NOT NULL,
           min            float8 NOT NULL,
           max            float8 NOT NULL,
           variance       float8 NOT NULL,
           first          float8 NOT NULL,
           last           float8 NOT NULL,
           PRIMARY KEY (device_uid, measurement_id, bucket)
         )' || CASE WHEN rollup.name = 'telemetry_1m' THEN ' PARTITION BY RANGE (bucket)' ELSE '' END, rollup.name);
    END IF;
  END LOOP;
END $$;

-- The partition of a moment, made if it is not there: of `telemetry` or of `telemetry_1m`. Of a hypertable, the table itself.
CREATE FUNCTION telemetry_partition(parent text, at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  layout telemetry_layout;
  first date := (at AT TIME ZONE 'UTC')::date;
  next date := first + 1;
  name text := parent || to_char(first, '"_"YYYYMMDD');
BEGIN
  SELECT * INTO STRICT layout FROM telemetry_layout;
  IF layout.kind = 'hypertable' THEN RETURN parent; END IF;
  IF first < layout.daily_from THEN
    first := date_trunc('month', first)::date;
    next := (first + interval '1 month')::date;
    name := parent || to_char(first, '"_"YYYYMM');
  END IF;
  IF EXISTS (SELECT FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relname = name AND i.inhparent = parent::regclass) THEN
    RETURN name;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('telemetry_partition'), hashtext(name));
  -- Asked of the table, not by to_regclass(), which may not know yet what another session has just made.
  IF NOT EXISTS (SELECT FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relname = name AND i.inhparent = parent::regclass) THEN
    -- Made by itself and then attached, readers and writers of the others are not held up.
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, parent);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name, first || ' 00:00:00+00', next || ' 00:00:00+00');
  END IF;
  RETURN name;
END $$;

SELECT count(telemetry_partition('telemetry', day)) FROM (SELECT DISTINCT date_trunc('day', ts, 'UTC') AS day FROM telemetry_before) days;
INSERT INTO telemetry (device_uid, measurement_id, ts, value, value_json)
SELECT device_uid, measurement_id, ts, value, value_json FROM telemetry_before;
INSERT INTO telemetry_change SELECT DISTINCT device_uid::int, measurement_id, date_trunc('hour', ts, 'UTC') FROM telemetry_before;
UPDATE device_measurement dm SET newest_day = newest.day
FROM (SELECT device_uid, measurement_id, floor(extract(epoch FROM max(ts)) / 86400)::int AS day FROM telemetry_before GROUP BY 1, 2) newest
WHERE dm.device_uid = newest.device_uid AND dm.measurement_id = newest.measurement_id;
DROP TABLE telemetry_before;
