-- Users, clients, grants and tokens. Secrets are HMACs. Times are wall
-- microseconds. The table of tenants is in 0001.

CREATE TABLE users (
	id             TEXT PRIMARY KEY,
	tenant_id      TEXT NOT NULL REFERENCES tenants(id),
	email          TEXT NOT NULL UNIQUE,      -- lower case
	role           TEXT NOT NULL CHECK (role IN
		('owner', 'admin', 'supervisor', 'listener', 'auditor')),
	password_hash  TEXT NOT NULL DEFAULT '',
	password_us    INTEGER NOT NULL DEFAULT 0, -- when it was set
	disabled       INTEGER NOT NULL DEFAULT 0,
	created_us     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX users_of_tenant ON users (tenant_id, email);

CREATE TABLE user_aors (
	user_id  TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
	aor      TEXT NOT NULL,                    -- as given
	sip_key  TEXT NOT NULL DEFAULT '',         -- canonical forms
	tel_key  TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (user_id, aor)
) STRICT, WITHOUT ROWID;

-- Wrong passwords within a window, by "account:...", "address:..." or "all".
CREATE TABLE login_failures (
	what       TEXT PRIMARY KEY,
	count      INTEGER NOT NULL,
	since_us   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE clients (
	id               TEXT PRIMARY KEY,
	tenant_id        TEXT NOT NULL REFERENCES tenants(id),
	name             TEXT NOT NULL,
	secret_mac       BLOB NOT NULL,
	disabled         INTEGER NOT NULL DEFAULT 0,
	plain_authorize  INTEGER NOT NULL DEFAULT 0,
	quoted_bearer    INTEGER NOT NULL DEFAULT 0,
	sip_refresh      INTEGER NOT NULL DEFAULT 0,
	tls_identity     TEXT NOT NULL DEFAULT '',
	created_us       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX clients_of_tenant ON clients (tenant_id, id);

CREATE TABLE client_uris (
	client_id  TEXT NOT NULL REFERENCES clients(id) ON DELETE CASCADE,
	ord        INTEGER NOT NULL,
	uri        TEXT NOT NULL,
	PRIMARY KEY (client_id, ord)
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
	id          TEXT PRIMARY KEY,
	tenant_id   TEXT NOT NULL REFERENCES tenants(id),
	client_id   TEXT NOT NULL REFERENCES clients(id),
	owner_id    TEXT NOT NULL REFERENCES users(id),
	version     INTEGER NOT NULL DEFAULT 1,
	state       TEXT NOT NULL DEFAULT 'active' CHECK (state IN
		('active', 'revoked')),
	scope       TEXT NOT NULL,
	conditions  TEXT NOT NULL,                 -- JSON of this version
	created_us  INTEGER NOT NULL,
	expires_us  INTEGER NOT NULL DEFAULT 0,    -- 0 = none
	revoked_us  INTEGER NOT NULL DEFAULT 0,
	used_us     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_of_owner ON grants (owner_id, id);
CREATE INDEX grants_of_client ON grants (client_id, id);
CREATE INDEX grants_of_tenant ON grants (tenant_id, id);

CREATE TABLE grant_versions (
	grant_id    TEXT NOT NULL REFERENCES grants(id),
	version     INTEGER NOT NULL,
	conditions  TEXT NOT NULL,
	at_us       INTEGER NOT NULL,
	actor       TEXT NOT NULL,
	PRIMARY KEY (grant_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE token_families (
	id          TEXT PRIMARY KEY,
	grant_id    TEXT NOT NULL REFERENCES grants(id),
	created_us  INTEGER NOT NULL,
	revoked_us  INTEGER NOT NULL DEFAULT 0,
	why         TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX token_families_of ON token_families (grant_id);

CREATE TABLE tokens (
	id           TEXT PRIMARY KEY,
	kind         TEXT NOT NULL CHECK (kind IN
		('access', 'refresh', 'api', 'client')),
	mac          BLOB NOT NULL,
	family_id    TEXT REFERENCES token_families(id) ON DELETE CASCADE,
	grant_id     TEXT REFERENCES grants(id),
	client_id    TEXT REFERENCES clients(id),
	user_id      TEXT REFERENCES users(id),
	tenant_id    TEXT NOT NULL REFERENCES tenants(id),
	scope        TEXT NOT NULL,
	name         TEXT NOT NULL DEFAULT '',     -- of API tokens
	issued_us    INTEGER NOT NULL,
	expires_us   INTEGER NOT NULL DEFAULT 0,   -- 0 = never
	revoked_us   INTEGER NOT NULL DEFAULT 0,
	used_us      INTEGER NOT NULL DEFAULT 0,   -- refresh: rotated at
	exposed_us   INTEGER NOT NULL DEFAULT 0    -- seen in clear at
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_of_family ON tokens (family_id);
CREATE INDEX tokens_of_grant ON tokens (grant_id);
CREATE INDEX tokens_of_user ON tokens (user_id) WHERE kind = 'api';
CREATE INDEX tokens_expired ON tokens (expires_us) WHERE expires_us > 0;

CREATE TABLE codes (
	id            TEXT PRIMARY KEY,
	mac           BLOB NOT NULL,
	client_id     TEXT NOT NULL REFERENCES clients(id),
	grant_id      TEXT NOT NULL REFERENCES grants(id),
	redirect_uri  TEXT NOT NULL,
	challenge     TEXT NOT NULL,
	scope         TEXT NOT NULL,
	expires_us    INTEGER NOT NULL,
	used_us       INTEGER NOT NULL DEFAULT 0,
	family_id     TEXT                         -- what its use issued
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_expired ON codes (expires_us);

CREATE TABLE pushed_requests (
	mac         BLOB PRIMARY KEY,              -- of the request_uri
	client_id   TEXT NOT NULL REFERENCES clients(id),
	params      TEXT NOT NULL,                 -- JSON
	expires_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pushed_requests_expired ON pushed_requests (expires_us);

-- Counts changes that running recordings must look at.
CREATE TABLE auth_epoch (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	epoch  INTEGER NOT NULL
) STRICT;
INSERT INTO auth_epoch (one, epoch) VALUES (1, 0);
