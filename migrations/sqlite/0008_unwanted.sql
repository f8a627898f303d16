-- Recordings that were dropped on purpose (conditions not met, cancelled, deleted):
-- a spool of theirs that turns up again is removed, not taken for a lost call. A row
-- is written in the transaction that drops the recording, and goes when its node has
-- seen that the spool is gone for good.
CREATE TABLE unwanted (
	recording_id  TEXT PRIMARY KEY,
	node          TEXT NOT NULL,             -- where the spool is
	at_us         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX unwanted_by_age ON unwanted (node, at_us);
