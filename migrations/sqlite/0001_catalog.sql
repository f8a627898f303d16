-- The catalog: who recorded what, when, with whom, and where the files are.
-- Times are wall microseconds. Ids are UUIDs as text. Owners, clients and
-- grants are named without foreign keys: a recording outlives them.

CREATE TABLE tenants (
	id          TEXT PRIMARY KEY,
	name        TEXT NOT NULL UNIQUE,
	created_us  INTEGER NOT NULL,
	retain_us   INTEGER NOT NULL DEFAULT 0   -- 0 = keep for ever
) STRICT, WITHOUT ROWID;

CREATE TABLE recordings (
	n                INTEGER PRIMARY KEY,    -- row of recordings_fts
	id               TEXT NOT NULL UNIQUE,
	tenant_id        TEXT NOT NULL REFERENCES tenants(id),
	owner_id         TEXT NOT NULL DEFAULT '',
	client_id        TEXT NOT NULL DEFAULT '',
	grant_id         TEXT NOT NULL DEFAULT '',
	call_id          TEXT NOT NULL DEFAULT '',
	state            TEXT NOT NULL CHECK (state IN
		('recording', 'rendering', 'ready', 'failed')),
	started_us       INTEGER NOT NULL,
	ended_us         INTEGER NOT NULL DEFAULT 0,
	duration_us      INTEGER NOT NULL DEFAULT 0,
	node             TEXT NOT NULL DEFAULT '',
	spool_file       TEXT NOT NULL DEFAULT '',
	end_reason       TEXT NOT NULL DEFAULT '',
	title            TEXT NOT NULL DEFAULT '',
	notes            TEXT NOT NULL DEFAULT '',
	dialog           TEXT,                   -- JSON, only while live
	meta             TEXT,                   -- JSON
	bytes            INTEGER NOT NULL DEFAULT 0,
	retain_until_us  INTEGER NOT NULL DEFAULT 0,
	deleted_us       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX recordings_by_time ON recordings (tenant_id, started_us, id);
CREATE INDEX recordings_by_owner ON recordings
	(tenant_id, owner_id, started_us, id);
CREATE INDEX recordings_by_grant ON recordings (grant_id, started_us, id);
CREATE INDEX recordings_live ON recordings (grant_id)
	WHERE state = 'recording';
CREATE INDEX recordings_deleted ON recordings (deleted_us)
	WHERE deleted_us > 0;
CREATE INDEX recordings_retained ON recordings (retain_until_us)
	WHERE retain_until_us > 0 AND deleted_us = 0;

CREATE TABLE participants (
	recording_id  TEXT NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
	ord           INTEGER NOT NULL,
	ext_id        TEXT NOT NULL DEFAULT '',  -- participant_id of RFC 7865
	aor           TEXT NOT NULL DEFAULT '',
	name          TEXT NOT NULL DEFAULT '',
	aor_key       TEXT NOT NULL DEFAULT '',  -- what searches compare
	user_key      TEXT NOT NULL DEFAULT '',
	joined_us     INTEGER NOT NULL DEFAULT 0,
	left_us       INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (recording_id, ord)
) STRICT, WITHOUT ROWID;

CREATE INDEX participants_by_aor ON participants (aor_key);
CREATE INDEX participants_by_user ON participants (user_key);

CREATE TABLE streams (
	recording_id  TEXT NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
	idx           INTEGER NOT NULL,          -- m-line
	label         TEXT NOT NULL DEFAULT '',
	media         TEXT NOT NULL,             -- audio, video, text
	codec         TEXT NOT NULL DEFAULT '',
	rate_hz       INTEGER NOT NULL DEFAULT 0,
	participant   INTEGER NOT NULL DEFAULT -1, -- participants.ord
	PRIMARY KEY (recording_id, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE tracks (
	recording_id  TEXT NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
	n             INTEGER NOT NULL,          -- 0 the mix, 1.. the tracks
	format        TEXT NOT NULL,             -- ogg, mp4, json, dat
	kind          TEXT NOT NULL,             -- mix, track, peaks
	participant   INTEGER NOT NULL DEFAULT -1,
	stream        INTEGER NOT NULL DEFAULT -1,
	blob_key      TEXT NOT NULL,
	mime          TEXT NOT NULL,
	bytes         INTEGER NOT NULL,
	sha256        TEXT NOT NULL,
	channels      INTEGER NOT NULL DEFAULT 0,
	rate_hz       INTEGER NOT NULL DEFAULT 0,
	duration_us   INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (recording_id, kind, n, format)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
	id            INTEGER PRIMARY KEY,
	recording_id  TEXT NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
	at_us         INTEGER NOT NULL,
	offset_us     INTEGER NOT NULL,          -- from recordings.started_us
	kind          TEXT NOT NULL,
	participant   INTEGER NOT NULL DEFAULT -1,
	stream        INTEGER NOT NULL DEFAULT -1,
	text          TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX events_of ON events (recording_id, at_us, id);

CREATE TABLE signalling (
	id            INTEGER PRIMARY KEY,
	recording_id  TEXT NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
	at_us         INTEGER NOT NULL,
	dir           TEXT NOT NULL CHECK (dir IN ('in', 'out')),
	transport     TEXT NOT NULL,
	peer          TEXT NOT NULL,
	body          BLOB NOT NULL
) STRICT;
CREATE INDEX signalling_of ON signalling (recording_id, id);

CREATE TABLE warnings (
	recording_id  TEXT NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
	code          TEXT NOT NULL,
	detail        TEXT NOT NULL DEFAULT '',
	severity      TEXT NOT NULL CHECK (severity IN
		('info', 'warning', 'error')),
	at_us         INTEGER NOT NULL,
	count         INTEGER NOT NULL DEFAULT 1,
	PRIMARY KEY (recording_id, code, detail)
) STRICT, WITHOUT ROWID;

-- rowid = recordings.n
CREATE VIRTUAL TABLE recordings_fts USING fts5 (
	people, words, tokenize = "unicode61 remove_diacritics 2"
);

CREATE TABLE jobs (
	id              INTEGER PRIMARY KEY,
	kind            TEXT NOT NULL,
	recording_id    TEXT NOT NULL,
	node            TEXT NOT NULL DEFAULT '', -- '' = any may do it
	state           TEXT NOT NULL DEFAULT 'queued' CHECK (state IN
		('queued', 'running', 'failed')),
	attempts        INTEGER NOT NULL DEFAULT 0,
	created_us      INTEGER NOT NULL,
	run_after_us    INTEGER NOT NULL,
	lease_until_us  INTEGER NOT NULL DEFAULT 0,
	lease           TEXT NOT NULL DEFAULT '',
	error           TEXT NOT NULL DEFAULT '',
	UNIQUE (kind, recording_id)
) STRICT;
CREATE INDEX jobs_due ON jobs (kind, run_after_us, id)
	WHERE state <> 'failed';

-- What is stored, per grant and per tenant, kept by the triggers below, so
-- that a quota is one row to read however many recordings there are.
CREATE TABLE usage (
	scope       TEXT PRIMARY KEY,            -- a grant's or tenant's id
	recordings  INTEGER NOT NULL,
	bytes       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER usage_of_new AFTER INSERT ON recordings BEGIN
	INSERT INTO usage (scope, recordings, bytes)
		VALUES (NEW.tenant_id, 1, NEW.bytes)
		ON CONFLICT (scope) DO UPDATE SET
			recordings = recordings + 1, bytes = bytes + NEW.bytes;
	INSERT INTO usage (scope, recordings, bytes)
		VALUES (NEW.grant_id, 1, NEW.bytes)
		ON CONFLICT (scope) DO UPDATE SET
			recordings = recordings + 1, bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER usage_of_bytes AFTER UPDATE OF bytes ON recordings
WHEN NEW.bytes <> OLD.bytes AND NEW.deleted_us = 0 BEGIN
	UPDATE usage SET bytes = bytes + NEW.bytes - OLD.bytes
		WHERE scope IN (NEW.tenant_id, NEW.grant_id);
END;
CREATE TRIGGER usage_of_deleted AFTER UPDATE OF deleted_us ON recordings
WHEN NEW.deleted_us > 0 AND OLD.deleted_us = 0 BEGIN
	UPDATE usage SET recordings = recordings - 1, bytes = bytes - OLD.bytes
		WHERE scope IN (NEW.tenant_id, NEW.grant_id);
END;
CREATE TRIGGER usage_of_gone AFTER DELETE ON recordings
WHEN OLD.deleted_us = 0 BEGIN
	UPDATE usage SET recordings = recordings - 1, bytes = bytes - OLD.bytes
		WHERE scope IN (OLD.tenant_id, OLD.grant_id);
END;

CREATE TABLE audit (
	id         INTEGER PRIMARY KEY,
	at_us      INTEGER NOT NULL,
	tenant_id  TEXT NOT NULL DEFAULT '',
	actor      TEXT NOT NULL,
	action     TEXT NOT NULL,
	object     TEXT NOT NULL DEFAULT '',
	result     TEXT NOT NULL,
	detail     TEXT
) STRICT;
CREATE INDEX audit_of_tenant ON audit (tenant_id, id);
CREATE INDEX audit_of_object ON audit (object, id);
