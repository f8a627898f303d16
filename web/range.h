/* web/range.h - byte ranges and conditional requests, without any I/O.
 *
 * Source: RFC 9110 sections 8.8.3 (entity tags), 13 (conditions), 14 (ranges).
 */
#ifndef WEB_RANGE_H
#define WEB_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGE_MAX 16 /* more ranges in one request: the whole file is sent */

struct range {
	uint64_t first;
	uint64_t last; /* inclusive */
};

/**
 * Parse a Range header against a file of size bytes. Ranges are clipped;
 * those that begin behind the end are left out; overlapping and adjacent
 * ones are joined when they follow each other in order.
 *
 * @param ret_ranges room for RANGE_MAX
 * @return number of ranges (1...), 0 when the header is to be ignored (other
 *         unit, broken syntax, too many ranges), -ERANGE when none can be
 *         satisfied (416)
 */
int range_parse(const char *header, uint64_t size, struct range *ret_ranges);

/**
 * Does an If-None-Match or If-Match list contain etag?
 *
 * @param header list of entity tags or "*"
 * @param etag   ours, with quotes, strong
 * @param weak   weak comparison (If-None-Match), else strong (If-Match)
 */
bool etag_list_has(const char *header, const char *etag, bool weak);

/** If-Range: true when the range may be used (same strong tag). Dates never
 *  match: we send no Last-Modified. */
bool etag_if_range(const char *header, const char *etag);

#endif
