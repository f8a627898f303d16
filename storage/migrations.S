/* The files of migrations/sqlite/ as read-only data. A new file gets one line
 * here and one in migrate.c; test_migrate compares both with the folder.
 */
	.section .rodata

	.macro migration name, file
	.global \name
	.global \name\()_end
\name:
	.incbin "\file"
\name\()_end:
	.byte 0
	.endm

	migration migration_0001, "migrations/sqlite/0001_catalog.sql"
	migration migration_0002, "migrations/sqlite/0002_auth.sql"
	migration migration_0003, "migrations/sqlite/0003_web.sql"
	migration migration_0004, "migrations/sqlite/0004_trunks.sql"
	migration migration_0005, "migrations/sqlite/0005_commands.sql"
	migration migration_0006, "migrations/sqlite/0006_calls.sql"
	migration migration_0007, "migrations/sqlite/0007_event_duration.sql"
	migration migration_0008, "migrations/sqlite/0008_unwanted.sql"
	migration migration_0010, "migrations/sqlite/0010_duplicates.sql"
	migration migration_0011, "migrations/sqlite/0011_sketch.sql"
	migration migration_0012, "migrations/sqlite/0012_trunk_srtp.sql"
	migration migration_0013, "migrations/sqlite/0013_pushed_share.sql"
	migration migration_0014, "migrations/sqlite/0014_user_listens.sql"
	migration migration_0015, "migrations/sqlite/0015_trunk_by_tenant.sql"
	migration migration_0016, "migrations/sqlite/0016_tenant_aors.sql"
	migration migration_0017, "migrations/sqlite/0017_login_links.sql"
	migration migration_0018, "migrations/sqlite/0018_numbers.sql"
	migration migration_0019, "migrations/sqlite/0019_search.sql"
	migration migration_0020, "migrations/sqlite/0020_halves.sql"
	migration migration_0022, "migrations/sqlite/0022_client_addresses.sql"

	.section .note.GNU-stack, "", @progbits
