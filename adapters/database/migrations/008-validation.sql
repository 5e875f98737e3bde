-- What happens to values that do not fit what the type of their device says.

-- {outOfRange, wrongType, tooOld, tooFarAhead, wrongUnit, unknownMeasurement, tooOldSeconds, tooFarAheadSeconds}. NULL: all is kept as it comes.
ALTER TABLE device_type ADD COLUMN validation jsonb;

-- When a device last got another type, so that every node which has it in memory finds that, whatever became of the message about it.
ALTER TABLE device ADD COLUMN type_changed_at timestamptz;
CREATE INDEX device_type_changed_at ON device (type_changed_at) WHERE type_changed_at IS NOT NULL;
CREATE FUNCTION note_device_type_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.type_changed_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER device_type_changes BEFORE UPDATE OF device_type ON device
FOR EACH ROW WHEN (OLD.device_type IS DISTINCT FROM NEW.device_type) EXECUTE FUNCTION note_device_type_change();
