/* media/vtt.h - typed text as WebVTT.
 *
 * A cue is what was typed in one go: up to the end of a line, a pause of 3 s,
 * or at a blank when it gets long. It begins with its first character and is
 * to be seen for 2 s after its last one.
 *
 * Pure. Role: render. Source: W3C WebVTT (voice spans).
 */
#ifndef MEDIA_VTT_H
#define MEDIA_VTT_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct t140_char;

/**
 * Append the whole file.
 *
 * @param zero_us the chars' time that is 00:00:00.000; earlier is then
 * @param name    who typed; "" = unknown
 * @return how many cues, or the buffer's error
 */
int vtt_write(const struct t140_char *chars, size_t n, int64_t zero_us,
	      const char *name, struct buf *out);

#endif
