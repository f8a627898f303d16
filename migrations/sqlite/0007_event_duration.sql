-- How long an event lasted (a key of a phone, lost audio); 0 = a moment.
ALTER TABLE events ADD COLUMN duration_us INTEGER NOT NULL DEFAULT 0;
