/* media/peaks.h - the waveform of a recording, for drawing.
 *
 * Data format of audiowaveform, version 2: pairs of minimum and maximum, 8 bit
 * signed, channels interleaved, one pair a pixel; as JSON and binary (.dat).
 * Source: BBC audiowaveform, doc/DataFormat.md. Built while samples pass by:
 * the resolution starts at one frame of 20 ms and halves whenever
 * PEAKS_PIXELS_MAX is reached, so a call of any length fits. Pure.
 * Role: render.
 */
#ifndef MEDIA_PEAKS_H
#define MEDIA_PEAKS_H

#include <stdint.h>

#define PEAKS_PIXELS_MAX 16384u
#define PEAKS_CHANNELS_MAX 2u

struct buf;
struct peaks;

/** @param rate_hz written as sample_rate; a frame counts rate_hz / 50
 *  @return 0, -EINVAL, -ENOMEM */
int peaks_create(unsigned channels, unsigned rate_hz, struct peaks **ret_p);
void peaks_destroy(struct peaks **pp);

/** Samples of one channel's next frame (20 ms), at any rate. Every channel
 *  gets one for each frame, then peaks_next(). */
void peaks_frame(struct peaks *p, unsigned channel, const int16_t *pcm,
		 unsigned n);
void peaks_next(struct peaks *p);

/** What was put in so far, also a pixel that is not full. 0 or buf's error */
int peaks_json(const struct peaks *p, struct buf *out);
int peaks_dat(const struct peaks *p, struct buf *out);

#endif
