-- Recording clients that send no token: who they are by certificate or source
-- address, and the grant they record under. Times are wall microseconds.

CREATE TABLE trunks (
	id             TEXT PRIMARY KEY,
	tenant_id      TEXT NOT NULL REFERENCES tenants(id),
	client_id      TEXT NOT NULL REFERENCES clients(id),
	grant_id       TEXT NOT NULL REFERENCES grants(id),
	name           TEXT NOT NULL,
	tls_name       TEXT NOT NULL DEFAULT '',   -- lower case
	tls_sha256     TEXT NOT NULL DEFAULT '',   -- of the certificate, hex
	addresses      TEXT NOT NULL DEFAULT '',   -- "192.0.2.0/24, 2001:db8::1"
	uri_user       TEXT NOT NULL DEFAULT '',
	strictness     TEXT NOT NULL,
	token_forms    TEXT NOT NULL,
	media_source   TEXT NOT NULL,
	channel_order  TEXT NOT NULL,
	vendor         TEXT NOT NULL DEFAULT '',
	enabled        TEXT NOT NULL,
	from_file      INTEGER NOT NULL DEFAULT 0, -- of [sip] trunks_file
	created_us     INTEGER NOT NULL,
	UNIQUE (tenant_id, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX trunks_by_tls ON trunks (tls_name, uri_user)
	WHERE tls_name <> '' AND tls_sha256 = '';
CREATE UNIQUE INDEX trunks_by_sha256 ON trunks (tls_sha256, uri_user)
	WHERE tls_sha256 <> '';
CREATE INDEX trunks_of_grant ON trunks (grant_id);

-- The networks of trunks without certificate. net: 16 bytes as hex (IPv4 mapped).
CREATE TABLE trunk_nets (
	bits      INTEGER NOT NULL,
	net       TEXT NOT NULL,
	uri_user  TEXT NOT NULL,
	trunk_id  TEXT NOT NULL REFERENCES trunks(id) ON DELETE CASCADE,
	PRIMARY KEY (bits, net, uri_user)
) STRICT, WITHOUT ROWID;
CREATE INDEX trunk_nets_of ON trunk_nets (trunk_id);
