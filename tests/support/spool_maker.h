/* tests/support/spool_maker.h - writes spool files with tones in them, for
 * tests and benches of the renderer. */
#ifndef TESTS_SUPPORT_SPOOL_MAKER_H
#define TESTS_SUPPORT_SPOOL_MAKER_H

#include "base/clock.h"
#include "media/spool.h"

struct spool_maker {
	struct clock_fake clock;
	int dir_fd;
	char path[256];
	struct spool_writer *w;
	struct spool_batch batch;
	struct spool_streams table;
};

#define MAKER_ID "0190a5e2-7c1b-7def-8123-456789abcdef"
#define MAKER_WALL_US 1700000000000000

/** @param dir where; n streams, each one payload type; fails by abort() */
void maker_open(struct spool_maker *m, const char *dir, const char *meta);
void maker_add_stream(struct spool_maker *m, uint8_t pt, const char *codec,
		      uint32_t rate_hz, unsigned channels);
/** Write the stream table as it is in m->table. */
void maker_table(struct spool_maker *m);
/** One RTP packet, arriving now. */
void maker_rtp(struct spool_maker *m, uint16_t stream, uint8_t pt, uint16_t seq,
	       uint32_t ts, uint32_t ssrc, const void *payload, size_t len);
void maker_event(struct spool_maker *m, uint16_t kind, int16_t index);
/** Time goes on; writes the batch every 100 ms. */
void maker_advance(struct spool_maker *m, int64_t us);
void maker_close(struct spool_maker *m, bool orderly);

#endif
