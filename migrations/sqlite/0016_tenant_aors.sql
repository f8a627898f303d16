-- Addresses that an account may give to its users: exact ones, sip:*@domain,
-- tel:+44*. Only the operator says which.

CREATE TABLE tenant_aors (
	tenant_id  TEXT NOT NULL REFERENCES tenants(id),
	aor        TEXT NOT NULL,
	PRIMARY KEY (tenant_id, aor)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_aors_by_sip ON user_aors (sip_key) WHERE sip_key <> '';
CREATE INDEX user_aors_by_tel ON user_aors (tel_key) WHERE tel_key <> '';

-- When a call was last accepted under a grant.
ALTER TABLE grants ADD COLUMN last_call_us INTEGER NOT NULL DEFAULT 0;
UPDATE grants SET last_call_us = coalesce((SELECT max(r.started_us)
	FROM recordings r WHERE r.grant_id = grants.id), 0);
