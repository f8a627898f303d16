-- Addresses and networks that requests of a client's calls may come from,
-- besides the one that set the call up. As in trunks.addresses.

ALTER TABLE clients ADD COLUMN addresses TEXT NOT NULL DEFAULT '';
