/* web/pages_ladder.h - the SIP messages of a recording as a ladder.
 *
 * The recording client stands on the left, we on the right; each message is an
 * arrow at its time, which opens to the message itself (a <details>, so it
 * works without a script). A very long session shows its beginning and says
 * so; the download has all.
 */
#ifndef WEB_PAGES_LADDER_H
#define WEB_PAGES_LADDER_H

struct buf;
struct db;
struct recording;

#define LADDER_ROWS_MAX 200
#define LADDER_RAW_MAX 16384	      /* bytes shown of one message */
#define LADDER_RAW_ALL_MAX (1u << 20) /* ... of all together */

/** Append the section; nothing when no message was kept.
 *  @param rec the caller may show it to who asks
 *  @return 0, buf's error or -errno of the database */
int pages_ladder(struct buf *b, struct db *db, const struct recording *rec);

#endif
