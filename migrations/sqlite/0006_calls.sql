-- What belongs together. A recording is one recording session (RS); the call
-- that people mean may have needed several of them: parties that changed,
-- near and far end apart, two recorders' legs.

-- What the client said about its communication sessions (RFC 7865): groups,
-- sessions, who sent which stream when. JSON, see storage/calls.h.
CREATE TABLE models (
	recording_id  TEXT PRIMARY KEY REFERENCES recordings(id)
	              ON DELETE CASCADE,
	model         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Identifiers by which a later recording of the same grant finds its call.
CREATE TABLE call_keys (
	grant_id  TEXT NOT NULL,
	rule      TEXT NOT NULL,                 -- group_id, session_id, ...
	value     TEXT NOT NULL,
	call_id   TEXT NOT NULL,                 -- id of its first recording
	at_us     INTEGER NOT NULL,
	PRIMARY KEY (grant_id, rule, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX call_keys_by_age ON call_keys (at_us);

-- Only of calls with more than one recording.
CREATE TABLE call_legs (
	recording_id  TEXT PRIMARY KEY REFERENCES recordings(id)
	              ON DELETE CASCADE,
	call_id       TEXT NOT NULL,
	rule          TEXT NOT NULL              -- why; '' for the first one
) STRICT, WITHOUT ROWID;
CREATE INDEX call_legs_of ON call_legs (call_id, recording_id);
