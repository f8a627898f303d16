-- How telephone numbers without a plus are meant in calls of a tenant; '' = as
-- the [numbers] section of the settings says.
ALTER TABLE tenants ADD COLUMN number_country TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN number_national TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN number_international TEXT NOT NULL DEFAULT '';
