/* media/mux.h - Ogg Opus to MP4 without transcoding, for Safari.
 *
 * The packets are copied; the index stands in front of them (fast start), so
 * that a browser can play and seek by ranges at once. The only user of
 * libavformat. Files are the caller's: a path in, a path out.
 * Role: render. Source: ISO 14496-14, "Encapsulation of Opus in ISO Base
 * Media File Format" (opus-codec.org).
 */
#ifndef MEDIA_MUX_H
#define MEDIA_MUX_H

#include <stdint.h>

/**
 * @param mp4_path written, replaced; removed again on error
 * @param ret_duration_us as the muxer counted it; may be NULL
 *
 * @return 0, -EBADMSG the input cannot be read, -ENOSPC, -EIO, -ENOMEM
 */
int mux_ogg_to_mp4(const char *ogg_path, const char *mp4_path,
		   int64_t *ret_duration_us);

struct mux_info {
	int64_t duration_us;
	uint64_t packets;
	unsigned channels;
};

/** Read every packet of a file back. @return 0, -EBADMSG, -ENOMEM */
int mux_probe(const char *path, struct mux_info *ret_info);

#endif
