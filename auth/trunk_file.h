/* auth/trunk_file.h - the operator's trunks from a file.
 *
 *	[sbc-london]
 *	grant = 0190...
 *	tls_name = sbc.voip.example
 *	media_source = learn
 *
 * The section is the trunk's name, the keys are those of auth/trunks.h. The
 * file is the whole truth about its trunks: those that are no longer in it go,
 * those that stay keep their ids, trunks made by other means are not touched.
 *
 * Role: supervisor and command line. Source: [sip] trunks_file.
 */
#ifndef AUTH_TRUNK_FILE_H
#define AUTH_TRUNK_FILE_H

struct auth;
struct conf_report;
struct err;

#define TRUNK_FILE_MAX 1000 /* sections */

/** Is the file well-formed? Grants are not looked up.
 *  @param rep changed: every mistake is told; NULL: the first ends it
 *  @return 0; -EINVAL (also when mistakes were told), -errno of the file (e
 *          names file and line) */
int trunk_file_check(const char *path, struct conf_report *rep, struct err *e);

/** Bring the catalog in line with the file; all of it or nothing.
 *  @param path "" = no file: no trunk of it remains
 *  @return 0; -errno, e names file and trunk */
int trunk_file_apply(struct auth *a, const char *path, struct err *e);

#endif
