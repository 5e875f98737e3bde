-- Several nodes on one database: leases, who owns which shard, and where each device is connected.

-- A session is `open`, `leaving` (it hands off its shards) or `closed` (for ever). A process that is alone on its database has
-- mode `standalone`; those that work together have `cluster`. The lease of one that nobody else can follow has no end.
ALTER TABLE node_session
  ADD COLUMN address    text NOT NULL DEFAULT '',
  ADD COLUMN mode       text NOT NULL DEFAULT 'standalone',
  ADD COLUMN hosts      boolean NOT NULL DEFAULT true,
  ADD COLUMN reachable  boolean NOT NULL DEFAULT true,
  ADD COLUMN expires_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX node_session_live ON node_session (instance_id) WHERE state <> 'closed';

-- A process of the version before holds no shard and renews no lease, so nobody would wait for it: it ends here.
UPDATE node_session SET state = 'closed', closed_at = now() WHERE state <> 'closed';
UPDATE node_lane SET open = false WHERE open;

-- The epoch rises at every change of holder, and only then.
CREATE TABLE shard (
  shard_id int PRIMARY KEY,
  epoch    bigint NOT NULL DEFAULT 0,
  holder   uuid REFERENCES node_session
) WITH (fillfactor = 50);
INSERT INTO shard (shard_id) SELECT generate_series(0, 255);

-- The newest session of each device: one that is not disconnected is live as long as the run of its process is. No other index
-- than the key: connects and disconnects then change a row in its place.
CREATE TABLE device_session (
  device_uid      bigint PRIMARY KEY REFERENCES device,
  session         bigint NOT NULL,
  instance_id     uuid NOT NULL,
  address         text NOT NULL,
  node_id         text NOT NULL,
  protocol        text NOT NULL,
  peer            text NOT NULL,
  connected_at    timestamptz NOT NULL,
  disconnected_at timestamptz,
  reason          text
) WITH (fillfactor = 70);

-- Names this system on a bus that it may share with others: nodes of another database never hear of it.
CREATE TABLE system (
  system_id uuid NOT NULL
);
INSERT INTO system VALUES (gen_random_uuid());
