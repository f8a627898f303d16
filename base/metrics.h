/* base/metrics.h - counters and gauges of all roles in one shared mapping.
 *
 * The supervisor creates the mapping before it forks; a role registers its
 * metrics by name (same name and labels after a restart: same slot, so counts
 * go on) and changes them with single atomic words. The web role prints all of
 * them in Prometheus' text format. Up to METRICS_MAX slots; when full,
 * registration gives a shared slot named srs_metrics_overflow.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

#define METRICS_MAX 512

struct buf;
struct metric; /* one slot in shared memory */

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

/** Map the registry; call before fork. Later calls do nothing. 0 or -errno */
int metrics_setup(void);

/**
 * @param name   "srs_capture_packets_total"
 * @param labels "reason=\"source\"" or ""
 * @return a slot, never NULL (a private dummy without metrics_setup())
 */
struct metric *metric_get(enum metric_kind kind, const char *name,
			  const char *labels, const char *help);
void metric_add(struct metric *m, int64_t n);
void metric_set(struct metric *m, int64_t v);
int64_t metric_value(const struct metric *m);

/** Prometheus text exposition format 0.0.4. 0 or buf's error */
int metrics_print(struct buf *out);

#endif
