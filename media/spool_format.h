/* media/spool_format.h - bytes of a spool file; only for spool_*.c.
 *
 * Pure but for spool_boot_id(), which reads /proc once.
 */
#ifndef MEDIA_SPOOL_FORMAT_H
#define MEDIA_SPOOL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/spool.h"

struct buf;

#define SPOOL_MAGIC 0x4b425053u
#define SPOOL_VERSION 1u

/* The file header. */
struct spool_file_head {
	uint64_t salt;
	struct id session;
	int64_t created_wall_us;
};

/* The head of a block. */
struct spool_head {
	uint8_t type; /* enum spool_block_type */
	uint32_t payload_len;
	uint32_t payload_crc;
	uint32_t seq;
	int64_t mono_us;
	int64_t wall_us;
	uint64_t boot;
	uint32_t packets; /* RTP in the file up to and with this block */
};

void spool_put_file_head(uint8_t dst[SPOOL_HEAD_LEN],
			 const struct spool_file_head *h);
/** @return 0 or -EBADMSG */
int spool_get_file_head(const uint8_t src[SPOOL_HEAD_LEN],
			struct spool_file_head *ret_h);

void spool_put_head(uint8_t dst[SPOOL_HEAD_LEN], uint64_t salt,
		    const struct spool_head *h);
/** @param salt NULL: any; ret_salt then says which
 *  @return 0 or -EBADMSG */
int spool_get_head(const uint8_t src[SPOOL_HEAD_LEN], const uint64_t *salt,
		   struct spool_head *ret_h, uint64_t *ret_salt);

/** The 12 bytes that every block of this file starts with. */
void spool_put_mark(uint8_t dst[12], uint64_t salt);

/** First 8 bytes of the kernel's boot id; 0 when /proc has none. Cached. */
uint64_t spool_boot_id(void);

/* Payloads. put: the error sticks to b. get: 0 or -EBADMSG; text of events
 * borrows the payload, that of OPEN too (it is followed by a NUL). */
void spool_put_open(struct buf *b, const struct spool_open *o);
int spool_get_open(const uint8_t *p, size_t len, struct spool_open *ret_o);
void spool_put_streams(struct buf *b, const struct spool_streams *t);
int spool_get_streams(const uint8_t *p, size_t len, struct spool_streams *ret);
void spool_put_event(struct buf *b, const struct spool_event *e);
int spool_get_event(const uint8_t *p, size_t len, struct spool_event *ret_e);
void spool_put_lost(struct buf *b, const struct spool_lost *l);
int spool_get_lost(const uint8_t *p, size_t len, struct spool_lost *ret_l);
void spool_put_close(struct buf *b, const struct spool_close *c);
int spool_get_close(const uint8_t *p, size_t len, struct spool_close *ret_c);

#endif
