/* srs/data_lock.h - one server works in a data folder.
 *
 * Two locks on data_dir/srs.lock. The one of fcntl(2) belongs to the process
 * that took it and ends with it: it says whether there is a server now, and
 * which. The one of flock(2) belongs to the descriptor, which the roles
 * inherit: it is free only when the last of them is gone. So a second server
 * hears at once that there is one, and a server started right after a crash of
 * the supervisor waits until the old roles have ended.
 *
 * Role: supervisor. Owner: the caller, who keeps the descriptor open, and opens
 * the file nowhere else, for closing any descriptor of it ends the fcntl lock.
 */
#ifndef SRS_DATA_LOCK_H
#define SRS_DATA_LOCK_H

struct err;
struct settings;

/**
 * Take the data folder of these settings; the folder is there already.
 *
 * Waits up to ten seconds for roles whose supervisor is gone, and logs that it
 * does ("start.waiting").
 *
 * @param ret_fd close-on-exec; closing it in the last process frees the folder
 *
 * @return 0, or with e set
 *         -EALREADY  another server works there (e names its process), or
 *                    roles of one have not ended within ten seconds
 *         -ENAMETOOLONG, or errno of open(2) or fcntl(2)
 */
int data_lock_take(const struct settings *s, int *ret_fd, struct err *e);

#endif
