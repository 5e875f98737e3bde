-- What each device reports of itself, and what is desired of it. The times have the shape of their document: beside each leaf the
-- milliseconds since 1970 at which it got its value. Version 0: never set. No other index than the key, and room in the pages:
-- then a change replaces a row in its place.
CREATE TABLE device_twin (
  device_uid       bigint PRIMARY KEY REFERENCES device,
  reported         jsonb NOT NULL,
  reported_version bigint NOT NULL,
  reported_times   jsonb NOT NULL,
  desired          jsonb NOT NULL,
  desired_version  bigint NOT NULL,
  desired_times    jsonb NOT NULL,
  updated_at       timestamptz NOT NULL
) WITH (fillfactor = 70);
