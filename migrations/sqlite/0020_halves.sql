-- CUCM records the two ends of a call in two dialogs. The far end's recording
-- stands behind the near end's (duplicate_of), but it is no duplicate: what is
-- heard in it is nowhere else, and its bytes count.
ALTER TABLE recordings ADD COLUMN half INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER usage_of_change;
DROP TRIGGER usage_of_gone;
CREATE TRIGGER usage_of_change
AFTER UPDATE OF bytes, deleted_us, duplicate_of, half ON recordings
WHEN NEW.bytes <> OLD.bytes OR NEW.deleted_us <> OLD.deleted_us OR
	NEW.duplicate_of <> OLD.duplicate_of OR NEW.half <> OLD.half BEGIN
	UPDATE usage SET
		recordings = recordings
			+ (NEW.deleted_us = 0 AND NEW.duplicate_of = '')
			- (OLD.deleted_us = 0 AND OLD.duplicate_of = ''),
		bytes = bytes
			+ (NEW.deleted_us = 0 AND (NEW.duplicate_of = '' OR NEW.half))
				* NEW.bytes
			- (OLD.deleted_us = 0 AND (OLD.duplicate_of = '' OR OLD.half))
				* OLD.bytes
		WHERE scope IN (NEW.tenant_id, NEW.grant_id);
END;
CREATE TRIGGER usage_of_gone AFTER DELETE ON recordings
WHEN OLD.deleted_us = 0 AND (OLD.duplicate_of = '' OR OLD.half) BEGIN
	UPDATE usage SET
		recordings = recordings - (OLD.duplicate_of = ''),
		bytes = bytes - OLD.bytes
		WHERE scope IN (OLD.tenant_id, OLD.grant_id);
END;

-- Calls of two halves that were kept before are compared once.
INSERT INTO leg_checks (call_id, fresh)
SELECT DISTINCT call_id, 1 FROM call_legs WHERE rule = 'refci'
ON CONFLICT (call_id) DO UPDATE SET fresh = 1;
