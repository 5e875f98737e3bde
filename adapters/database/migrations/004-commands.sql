-- Commands, the steps of twins, and events.

-- Which kinds of messages the connection takes; see RECEIVES in contracts/downlinks.ts.
ALTER TABLE device_session ADD COLUMN receives smallint NOT NULL DEFAULT 0;
-- How many commands may be under way to the device at once. NULL: as many as is usual.
ALTER TABLE device ADD COLUMN command_window smallint;

-- What is JSON in it is kept as its text: nobody looks into it here. Ids grow with time, so they are the order as well. `ended_badly` is there for its index: `state`, which changes more often, is in none.
-- Then all changes of a command but its end replace its row in its place, and commands change together: so half of a page is room for that.
CREATE TABLE command (
  command_id      uuid PRIMARY KEY,
  tenant_id       int NOT NULL REFERENCES tenant,
  device_uid      bigint NOT NULL REFERENCES device,
  shard           smallint NOT NULL,
  name            text NOT NULL,
  parameters      json NOT NULL,
  mode            text NOT NULL,
  priority        smallint NOT NULL,
  supersedes      text,
  idempotency_key text,
  request_hash    text,
  job_id          uuid,
  resend_of       uuid,
  requested_by    text NOT NULL,
  created_at      timestamptz NOT NULL,
  deadline_at     timestamptz NOT NULL,
  state           text NOT NULL,
  attempt         int NOT NULL,
  transitions     json NOT NULL,
  result          json,
  error           json,
  ended_at        timestamptz,
  ended_badly     boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX command_idempotency ON command (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX command_device ON command (device_uid, command_id);
CREATE INDEX command_tenant ON command (tenant_id, command_id);
-- Those whose deadline has passed are looked for every second, so they are found without reading any of the others.
CREATE INDEX command_open ON command (shard, deadline_at, device_uid) WHERE ended_at IS NULL;
CREATE INDEX command_open_device ON command (device_uid, shard, deadline_at) WHERE ended_at IS NULL;
-- Lists of one tenant: those that are open, and those that ended badly, among any number of others.
CREATE INDEX command_open_tenant ON command (tenant_id, command_id) WHERE ended_at IS NULL;
CREATE INDEX command_ended_badly ON command (tenant_id, command_id) WHERE ended_badly;
CREATE INDEX command_job ON command (job_id, command_id) WHERE job_id IS NOT NULL;
CREATE INDEX command_ended ON command (ended_at) WHERE ended_at IS NOT NULL;

-- Nobody looks into the times, so they are kept as text, which costs less to write; and a usual twin stays in its row as it is, instead of
-- being compressed with each change.
ALTER TABLE device_twin ALTER COLUMN reported_times TYPE json, ALTER COLUMN desired_times TYPE json;
ALTER TABLE device_twin SET (toast_tuple_target = 8160);

-- How each document of a twin came to each of its versions. Now and then the whole document is there as well, so that few steps are to
-- be walked from it to any version.
CREATE TABLE twin_step (
  device_uid bigint NOT NULL,
  document   text NOT NULL,
  version    bigint NOT NULL,
  at         timestamptz NOT NULL,
  patch      jsonb NOT NULL,
  whole      jsonb,
  times      json,
  PRIMARY KEY (device_uid, document, version)
);
CREATE INDEX twin_step_whole ON twin_step (at) WHERE whole IS NOT NULL;
-- The same rows: `whole` and `times` go together. Each index is for one question, and the other condition keeps the planner from walking
-- through the documents of all devices by time to find the newest one of a single device.
CREATE INDEX twin_step_whole_of ON twin_step (device_uid, document, at, version) WHERE times IS NOT NULL;

-- What happened, in the order of its transactions: one that began earlier may commit later, so whoever reads on from a position reads only
-- what is older than every transaction under way.
CREATE TABLE event (
  tx         xid8 NOT NULL DEFAULT pg_current_xact_id(),
  event_id   bigint GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL,
  device_uid bigint NOT NULL,
  kind       text NOT NULL,
  at         timestamptz NOT NULL,
  data       jsonb NOT NULL,
  PRIMARY KEY (tx, event_id)
);
CREATE INDEX event_tenant ON event (tenant_id, tx, event_id);
CREATE INDEX event_at ON event USING brin (at);

-- How far each reader of events that lives in the system itself has come.
CREATE TABLE event_position (
  reader   text PRIMARY KEY,
  tx       xid8 NOT NULL,
  event_id bigint NOT NULL
);
