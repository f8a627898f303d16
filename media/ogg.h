/* media/ogg.h - Ogg Opus files: write packet by packet, read back.
 *
 * The writer knows nothing about audio but the length of packets: it sets
 * granule positions, pages of one second (players seek by them), pre-skip and
 * the trimmed end. The same packets give the same bytes: the serial number is
 * the caller's. Pure: bytes leave and come through functions.
 * Role: render, tests. Source: RFC 3533, RFC 7845.
 */
#ifndef MEDIA_OGG_H
#define MEDIA_OGG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "media/codec_opus.h"

struct buf;
struct ogg_writer;

struct ogg_head {
	struct opus_map map;
	uint16_t pre_skip_48k;
	uint32_t input_rate_hz; /* what it was before, for people */
};

/** @return 0 or -errno, handed through */
typedef int ogg_sink_fn(void *arg, const void *data, size_t len);

/** One "NAME=value" for ogg_writer_create(); value is cut at 4 KiB.
 *  0 or buf's error */
int ogg_tag(struct buf *tags, const char *name, const char *value);

/**
 * Writes head and tags.
 *
 * @param tags what ogg_tag() collected; may be empty
 * @return 0, -ENOMEM, or sink's error
 */
int ogg_writer_create(const struct ogg_head *head, const struct buf *tags,
		      uint32_t serial, ogg_sink_fn *sink, void *arg,
		      struct ogg_writer **ret_w);
void ogg_writer_destroy(struct ogg_writer **wp);

/** @param ticks_48k length of the packet. 0, -ENOMEM or sink's error */
int ogg_writer_packet(struct ogg_writer *w, const void *data, size_t len,
		      unsigned ticks_48k);
/** Audio so far, pre-skip not counted off. */
int64_t ogg_writer_ticks(const struct ogg_writer *w);

/** Last page. @param total_48k length of the audio that shall be heard: what
 *  the packets have beyond it (and the pre-skip) is trimmed by players.
 *  0, -EINVAL no packet, or sink's error */
int ogg_writer_finish(struct ogg_writer *w, int64_t total_48k);

/* ---- reading back ---- */

/** @return bytes, 0 = end, -errno */
typedef ssize_t ogg_read_fn(void *arg, void *dst, size_t len);
/** A packet of audio; non-zero stops, negative is handed through. */
typedef int ogg_packet_fn(void *arg, const uint8_t *data, size_t len);

struct ogg_info {
	struct ogg_head head;
	uint64_t packets;
	uint64_t bytes;	      /* of packets */
	int64_t packet_48k;   /* sum of their lengths */
	int64_t duration_48k; /* last granule position less pre-skip */
	bool complete;	      /* end of stream seen */
	char tags[4096];      /* comments, a line each, cut */
};

/**
 * Read all of a file.
 *
 * @param on_head may be NULL: called once, before the packets
 * @return 0, -EBADMSG not Ogg Opus, a hole, granule positions that do not fit
 *         the packets; or read's or fn's error
 */
int ogg_read(ogg_read_fn *read, void *arg,
	     int (*on_head)(void *arg, const struct ogg_head *head),
	     ogg_packet_fn *on_packet, void *fn_arg, struct ogg_info *ret_info);

struct ogg_check {
	struct ogg_info info;
	int64_t decoded_48k; /* pre-skip and trimmed end not counted off */
	int peak[2];	     /* of each channel */
};

/** Read and decode all of it (at 8 kHz: it is the packets that are checked).
 *  @return 0, -EBADMSG also when a packet does not decode, -ENOMEM, read's */
int ogg_verify(ogg_read_fn *read, void *arg, struct ogg_check *ret_check);

#endif
