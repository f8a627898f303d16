-- Who said what a trunk is bound to: 0 the operator, 1 somebody of the account.

ALTER TABLE trunks ADD COLUMN by_tenant INTEGER NOT NULL DEFAULT 0;
UPDATE trunks SET by_tenant = 1 WHERE from_file = 0 AND EXISTS (
	SELECT 1 FROM audit a WHERE a.object = 'trunk:' || trunks.id
	AND a.action = 'trunk.add' AND a.actor LIKE 'user:%');
