/* tests/support/conditions_rig.h - conditions written shortly. */
#ifndef TESTS_SUPPORT_CONDITIONS_RIG_H
#define TESTS_SUPPORT_CONDITIONS_RIG_H

struct conditions;

#define HEAD                                                                   \
	"{\"type\":\"call_recording\",\"actions\":[\"record\"],"               \
	"\"owner\":{\"aor\":[\"sip:alice@voip.example\"]}"

/* Object with these conditions, or with more members at the end. */
#define COND(inner) HEAD ",\"conditions\":{" inner "}}"
#define MORE(inner) HEAD ",\"conditions\":{}," inner "}"

#define WINDOW(tz, days, from, to)                                             \
	"\"time_windows\":[{\"tz\":\"" tz "\",\"days\":[" days                 \
	"],\"from\":\"" from "\",\"to\":\"" to "\"}]"
#define WEEK "\"MO\",\"TU\",\"WE\",\"TH\",\"FR\""

/** conditions_parse(), or the test fails with the reason. */
struct conditions *conditions_rig_parse(const char *json);

#endif
