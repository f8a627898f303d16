-- Whose recordings a listener hears: assigned by the operator or an administrator.
CREATE TABLE user_listens (
	listener_id  TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
	owner_id     TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
	added_us     INTEGER NOT NULL,
	PRIMARY KEY (listener_id, owner_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_listens_to ON user_listens (owner_id);
