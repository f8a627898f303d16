-- One-time links with which the operator lets somebody in who is kept out, for
-- example by a used-up budget. Secrets are HMACs; times wall microseconds.

CREATE TABLE login_links (
	mac         BLOB PRIMARY KEY,              -- of the token in the link
	user_id     TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
	expires_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
