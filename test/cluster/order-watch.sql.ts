/** The tables and triggers of the watch, in a schema of their own: the test installs them, never a migration. */
export const INSTALL_SQL = `
CREATE SCHEMA order_watch;
CREATE TABLE order_watch.device_shard (device_uid bigint PRIMARY KEY, shard_id int NOT NULL);
CREATE TABLE order_watch.written (
  at             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  txid           bigint NOT NULL,
  device_uid     bigint NOT NULL,
  shard_id       int NOT NULL,
  -- Who passed the fence in this transaction.
  instance       uuid,
  -- Who held the shard, and in which epoch, when this was written.
  holder         uuid,
  epoch          bigint NOT NULL,
  first_sequence bigint NOT NULL,
  last_sequence  bigint NOT NULL,
  messages       int NOT NULL
);

CREATE FUNCTION order_watch.note_fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('skein.instance', NEW.instance_id::text, true);
  RETURN NULL;
END $$;
CREATE TRIGGER order_watch_fence AFTER UPDATE ON public.node_lane FOR EACH ROW
  WHEN (NEW.commits > OLD.commits) EXECUTE FUNCTION order_watch.note_fence();

CREATE FUNCTION order_watch.note_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO order_watch.written
    (txid, device_uid, shard_id, instance, holder, epoch, first_sequence, last_sequence, messages)
  SELECT pg_current_xact_id()::text::bigint, device_uid, shard_id,
         nullif(current_setting('skein.instance', true), '')::uuid, holder, epoch,
         min(sequence), max(sequence), count(*)
  FROM (SELECT device_uid, round(value * 1000000)::bigint - 10000000 AS sequence
        FROM new_rows JOIN public.measurement USING (measurement_id) WHERE name = 'temperature') AS message
  JOIN order_watch.device_shard USING (device_uid)
  JOIN public.shard USING (shard_id)
  GROUP BY device_uid, shard_id, holder, epoch;
  RETURN NULL;
END $$;
CREATE TRIGGER order_watch_rows AFTER INSERT ON public.telemetry REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION order_watch.note_rows();

-- What is copied straight into a partition does not show at the table. What is measured now goes into those of these days.
DO $$
DECLARE
  part text;
BEGIN
  FOR part IN SELECT telemetry_partition('telemetry', now() + day * interval '1 day') FROM generate_series(-1, 1) AS day LOOP
    EXECUTE format('CREATE TRIGGER order_watch_rows AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION order_watch.note_rows()', part);
  END LOOP;
END $$`;

export const DEVICE_SHARDS_SQL = `
INSERT INTO order_watch.device_shard (device_uid, shard_id)
SELECT device_uid, known.shard_id
FROM unnest($1::text[], $2::int[]) AS known (device_id, shard_id)
JOIN device USING (device_id) JOIN tenant USING (tenant_id) WHERE slug = 'default'`;

/** Written by an instance that did not hold the shard then, or by nobody that passed the fence. */
export const NOT_HOLDER_SQL = `SELECT * FROM order_watch.written WHERE instance IS DISTINCT FROM holder`;

/** An epoch went back, or two instances wrote in one epoch. */
export const INTERLEAVED_SQL = `
SELECT * FROM (
  SELECT *, lag(epoch) OVER shard AS epoch_before, lag(instance) OVER shard AS instance_before
  FROM order_watch.written WINDOW shard AS (PARTITION BY shard_id ORDER BY at)) AS step
WHERE epoch < epoch_before OR (epoch = epoch_before AND instance IS DISTINCT FROM instance_before)`;

/** A transaction wrote an earlier message of a device than one before it did. */
export const OUT_OF_ORDER_SQL = `
SELECT * FROM (
  SELECT *, max(last_sequence) OVER (PARTITION BY device_uid ORDER BY at
                                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS stored_before
  FROM (SELECT device_uid, txid, min(at) AS at, min(first_sequence) AS first_sequence, max(last_sequence) AS last_sequence
        FROM order_watch.written GROUP BY device_uid, txid) AS commit) AS step
WHERE first_sequence <= stored_before`;

/** Shards without an owner that is there. */
export const UNHELD_SQL = `
SELECT shard_id, holder, node_id, state, expires_at < now() AS expired
FROM shard LEFT JOIN node_session ON instance_id = holder
WHERE state IS DISTINCT FROM 'open' OR expires_at < now()`;

export const MESSAGES_SQL = 'SELECT coalesce(sum(messages), 0)::int AS messages FROM order_watch.written';
