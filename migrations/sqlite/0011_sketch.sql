-- What a stream sounds like, to tell the same call from another one: the smallest
-- hashes of its payloads, hexadecimal, in order.
ALTER TABLE stream_media ADD COLUMN sketch TEXT NOT NULL DEFAULT '';
