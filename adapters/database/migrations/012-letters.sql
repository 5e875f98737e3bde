-- Dead letters that are tried again, one by one and many, and what shows whether there is room on the disk.

-- When it was tried the last time; its reason and detail are those of that time.
ALTER TABLE dead_letter ADD COLUMN tried_at timestamptz;
-- How often it was.
ALTER TABLE dead_letter ADD COLUMN attempts int NOT NULL DEFAULT 0;
-- The last run that took it, and what came of it there: null until that is known and counted.
ALTER TABLE dead_letter ADD COLUMN replay_id uuid;
ALTER TABLE dead_letter ADD COLUMN outcome text;
-- Somebody tries it until then.
ALTER TABLE dead_letter ADD COLUMN claimed_until timestamptz;

-- Those that wait for somebody, counted by reason and kind.
CREATE INDEX dead_letter_open ON dead_letter (tenant_id, reason, kind, received_at) WHERE replayed_at IS NULL;
-- In the order in which they are tried again.
CREATE INDEX dead_letter_oldest ON dead_letter (tenant_id, received_at, dead_letter_id) WHERE replayed_at IS NULL;
-- What a run has taken, and of which it is not noted what came of it.
CREATE INDEX dead_letter_taken ON dead_letter (replay_id) WHERE replay_id IS NOT NULL AND outcome IS NULL;

-- A run that tries many again: what fits the filter and was there when it began.
CREATE TABLE dead_letter_replay (
  replay_id    uuid PRIMARY KEY,
  tenant_id    int NOT NULL REFERENCES tenant,
  filter       jsonb NOT NULL,
  -- Which devices the caller may see, for device_fits; null: all.
  within       jsonb,
  state        text NOT NULL,
  total        int NOT NULL,
  stored       int NOT NULL DEFAULT 0,
  duplicate    int NOT NULL DEFAULT 0,
  rejected     int NOT NULL DEFAULT 0,
  requested_by text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  ended_at     timestamptz,
  instance_id  uuid,
  due_at       timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
CREATE INDEX dead_letter_replay_tenant ON dead_letter_replay (tenant_id, replay_id);
-- One at a time for each tenant: two would take each other's letters.
CREATE UNIQUE INDEX dead_letter_replay_open ON dead_letter_replay (tenant_id) WHERE ended_at IS NULL;
CREATE INDEX dead_letter_replay_due ON dead_letter_replay (due_at) WHERE ended_at IS NULL;
CREATE INDEX dead_letter_replay_ended ON dead_letter_replay (ended_at) WHERE ended_at IS NOT NULL;

-- Written and thrown away to see whether it can be, while the disk is full. Out of the row and as it is: it must take as much room as it is long.
CREATE TABLE disk_probe (filler text NOT NULL);
ALTER TABLE disk_probe ALTER COLUMN filler SET STORAGE EXTERNAL;
