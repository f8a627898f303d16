/* storage/recording_json.h - a recording as JSON: one writer for the HTTP API,
 * the command line and exports, so that a field has one name and one unit.
 *
 * Times are RFC 3339 or null, lengths are seconds. Addresses of files (URLs)
 * are the API's business and added there.
 */
#ifndef STORAGE_RECORDING_JSON_H
#define STORAGE_RECORDING_JSON_H

#include <jansson.h>
#include <stdint.h>

struct recording;

/* Also notes, ids, streams, events, tracks (those of them that were loaded),
 * correlation headers and vendor fields ("metadata");
 * without it, what a list shows. */
#define RECORDING_JSON_FULL 1u
/* For the operator of the machine: also tenant, node, spool, keys in the
 * store and peaks. Unknown participants and streams are -1
 * instead of null. */
#define RECORDING_JSON_INSIDE 2u

/** @param flags RECORDING_JSON_... or-ed
 *  @return a new object, or NULL without memory */
json_t *recording_json(const struct recording *rec, unsigned flags);

/** RFC 3339 or null for 0. */
json_t *recording_json_time(int64_t wall_us);

/** Seconds to the millisecond. */
json_t *recording_json_seconds(int64_t us);

#endif
