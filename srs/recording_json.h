/* srs/recording_json.h - a recording as JSON for the command line and exports:
 * the names of the HTTP API, and everything that the catalog knows. */
#ifndef SRS_RECORDING_JSON_H
#define SRS_RECORDING_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct recording;

/** @param full also streams, events, tracks, ids (what was loaded)
 *  @return a new object, or NULL without memory */
json_t *recording_json(const struct recording *rec, bool full);

/** RFC 3339 or null for 0. */
json_t *recording_json_time(int64_t wall_us);

#endif
