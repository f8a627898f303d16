-- How much waits to be consented to: of a client, by its own word or by plain parameters that
-- anybody can send in its name, and in all.
ALTER TABLE pushed_requests ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pushed_requests ADD COLUMN plain INTEGER NOT NULL DEFAULT 0;
UPDATE pushed_requests SET bytes = length(CAST(params AS BLOB));
CREATE INDEX pushed_requests_of ON pushed_requests (client_id, plain, bytes, expires_us);
