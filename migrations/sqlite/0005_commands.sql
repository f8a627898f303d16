-- What others ask of the sip role about calls: pause one, resume it, start one.
-- Times are wall microseconds.

CREATE TABLE session_commands (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	node          TEXT NOT NULL,              -- who is to do it
	tenant_id     TEXT NOT NULL REFERENCES tenants(id),
	kind          TEXT NOT NULL,              -- 'pause', 'resume', 'record'
	recording_id  TEXT NOT NULL DEFAULT '',   -- of 'record': its result
	args          TEXT NOT NULL DEFAULT '{}', -- JSON
	actor         TEXT NOT NULL,              -- as in the audit log
	state         TEXT NOT NULL DEFAULT 'new',
	detail        TEXT NOT NULL DEFAULT '',   -- why not, for people
	asked_us      INTEGER NOT NULL,
	done_us       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX session_commands_new ON session_commands (node, id)
	WHERE state = 'new';
CREATE INDEX session_commands_done ON session_commands (done_us);
