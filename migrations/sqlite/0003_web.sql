-- Signed-in browsers and the one-time link of the first start. Secrets are
-- HMACs. Times are wall microseconds.

CREATE TABLE web_sessions (
	mac         BLOB PRIMARY KEY,              -- of the cookie
	user_id     TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
	csrf        TEXT NOT NULL,
	created_us  INTEGER NOT NULL,
	seen_us     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX web_sessions_of_user ON web_sessions (user_id);
CREATE INDEX web_sessions_seen ON web_sessions (seen_us);

CREATE TABLE setup_links (
	mac         BLOB PRIMARY KEY,              -- of the token in the link
	expires_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
