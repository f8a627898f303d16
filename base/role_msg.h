/* base/role_msg.h - the control channel between supervisor and role
 * (base/ipc messages). Only base/role.c and srs/supervisor.c use it.
 *
 * Order at a start: ROLE_KEPT for every kept descriptor, ROLE_START, then
 * ROLE_PEER for every channel to another role; later ROLE_PEER again when that
 * role was started again.
 */
#ifndef BASE_ROLE_MSG_H
#define BASE_ROLE_MSG_H

enum role_msg_type {
	/* supervisor -> role */
	ROLE_KEPT = 1, /* data: key (no NUL), one descriptor */
	ROLE_START,    /* no data: all kept descriptors have been sent */
	ROLE_PEER,     /* data: name of the other role, one descriptor */
	ROLE_DRAIN,    /* no data */
	ROLE_RELOAD,   /* data: struct settings, the new ones */
	ROLE_STOP,     /* no data: stop() and exit 0 */
	/* role -> supervisor */
	ROLE_READY = 64, /* data: bound addresses (no NUL), may be empty */
	ROLE_DRAINED,	 /* no data */
	ROLE_KEEP,	 /* data: key, one descriptor */
	ROLE_UNKEEP,	 /* data: key */
	ROLE_FATAL,	 /* data: reason */
};

#endif
