-- One call recorded twice: two recording sessions of the same communication session.
-- The better one stands in lists and counts, the others stand behind it.

ALTER TABLE recordings ADD COLUMN duplicate_of TEXT NOT NULL DEFAULT '';
-- When the media of one was removed because the other has all of it; 0 = it was not.
ALTER TABLE recordings ADD COLUMN media_dropped_us INTEGER NOT NULL DEFAULT 0;
CREATE INDEX recordings_duplicates ON recordings (duplicate_of)
	WHERE duplicate_of <> '';

-- What came on each audio stream, by our clock: written by render.
CREATE TABLE stream_media (
	recording_id  TEXT NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
	idx           INTEGER NOT NULL,          -- m-line
	from_us       INTEGER NOT NULL,
	to_us         INTEGER NOT NULL,
	absent_us     INTEGER NOT NULL,          -- lost, on hold or paused in between
	packets       INTEGER NOT NULL,
	lost          INTEGER NOT NULL,
	bytes         INTEGER NOT NULL,          -- of payload
	gaps          TEXT NOT NULL,             -- where: "FROM-TO FROM-TO", or "*"
	PRIMARY KEY (recording_id, idx)
) STRICT, WITHOUT ROWID;

-- Calls with several recordings that are to be compared: at once when one joined,
-- and when all have ended.
CREATE TABLE leg_checks (
	call_id  TEXT PRIMARY KEY,
	fresh    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Recordings whose files are to be removed though they stay in the catalog.
CREATE TABLE media_removals (
	recording_id  TEXT PRIMARY KEY,
	tenant_id     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Duplicates and deleted ones do not count.
DROP TRIGGER usage_of_bytes;
DROP TRIGGER usage_of_deleted;
DROP TRIGGER usage_of_gone;
CREATE TRIGGER usage_of_change
AFTER UPDATE OF bytes, deleted_us, duplicate_of ON recordings
WHEN NEW.bytes <> OLD.bytes OR NEW.deleted_us <> OLD.deleted_us OR
	NEW.duplicate_of <> OLD.duplicate_of BEGIN
	UPDATE usage SET
		recordings = recordings
			+ (NEW.deleted_us = 0 AND NEW.duplicate_of = '')
			- (OLD.deleted_us = 0 AND OLD.duplicate_of = ''),
		bytes = bytes
			+ (NEW.deleted_us = 0 AND NEW.duplicate_of = '') * NEW.bytes
			- (OLD.deleted_us = 0 AND OLD.duplicate_of = '') * OLD.bytes
		WHERE scope IN (NEW.tenant_id, NEW.grant_id);
END;
CREATE TRIGGER usage_of_gone AFTER DELETE ON recordings
WHEN OLD.deleted_us = 0 AND OLD.duplicate_of = '' BEGIN
	UPDATE usage SET recordings = recordings - 1, bytes = bytes - OLD.bytes
		WHERE scope IN (OLD.tenant_id, OLD.grant_id);
END;
