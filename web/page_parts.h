/* web/page_parts.h - small pieces that several pages show. */
#ifndef WEB_PAGE_PARTS_H
#define WEB_PAGE_PARTS_H

#include <stdint.h>

#include "storage/catalog_search.h"

struct buf;

/** <time>; a script of ours turns it into the reader's zone. */
void page_time(struct buf *b, int64_t wall_us);
/** A coloured word for the state of a recording. */
void page_state(struct buf *b, const struct recording *rec);

/** What to call somebody: the name, or the address without "sip:". */
const char *page_party(const struct recording_participant *p);

/** ord of who is alone on the left of the mix: the first of two; the owner of
 *  more, when the description of the call says who that is. */
int page_left_party(const struct recording *rec);

#endif
