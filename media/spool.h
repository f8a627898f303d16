/* media/spool.h - the file that holds one running recording: append-only.
 *
 * One writer (the capture role), any number of readers, also while it grows.
 * The file alone tells the whole session: who, which streams and codecs, every
 * packet with its arrival, every event, and how it ended.
 *
 * File format, version 1. Integers are little-endian.
 *
 *   file header, 64 bytes
 *	 0 char[8]  "SRSPOOL" and 0x01
 *	 8 u32	    version (1)
 *	12 u32	    offset of the first block (64)
 *	16 u64	    salt, random: nobody who sends us packets can know it, so
 *		    that no packet can look like a block
 *	24 byte[16] session id (UUID)
 *	40 i64	    created, wall microseconds
 *	48 byte[12] 0
 *	60 u32	    CRC32C of the 60 bytes before
 *
 *   block, 64 bytes of head and then payload_len bytes
 *	 0 u32	    magic 0x4b425053 ("SPBK")
 *	 4 u64	    salt of the file
 *	12 u8	    type (enum spool_block_type); unknown ones are skipped
 *	13 byte[3]  0
 *	16 u32	    payload_len, at most SPOOL_PAYLOAD_MAX
 *	20 u32	    CRC32C of the payload
 *	24 u32	    number of the block: 0, 1, 2 ...
 *	28 u32	    0
 *	32 i64	    monotonic microseconds (of the machine's current boot)
 *	40 i64	    wall microseconds
 *	48 u64	    first 8 bytes of the kernel's boot id
 *	56 u32	    RTP packets in the file up to and with this block, mod 2^32
 *	60 u32	    CRC32C of the 60 bytes before
 *
 *   payload of a packets block: records, one behind the other
 *	 0 u8	    stream index (m-line)
 *	 1 u8	    enum spool_proto
 *	 2 u16	    length
 *	 4 u32	    age: microseconds between arrival and the block's time
 *	 8	    the packet
 *
 * The payloads of the other types are told in spool_format.c.
 *
 * Order. The blocks are in the order in which they were written: OPEN, then
 * STREAMS, then anything, CLOSE at most once and last. A STREAMS block is a
 * complete table and holds until the next one; it stands before the first
 * packet that needs it. All packets of a stream that arrived before an event
 * stand before it (the sockets are drained first). Within one (stream, proto)
 * packets are in order of arrival and their times never decrease; packets of
 * different streams interleave only roughly: a block has those of the first
 * stream, then those of the second... Sort by time when that matters, the
 * disorder is less than a few ticks (media.tick_us; after a restart of capture
 * as much as the socket buffers held, seconds).
 *
 * Time. A reader gives t_us: microseconds since the OPEN block, which starts
 * at 0 and never runs backwards between blocks. Within one boot of the machine
 * it is the monotonic clock, which goes on across restarts of the capture
 * process. When the boot id changes, the monotonic clock is worthless and the
 * wall clocks of the two blocks bridge the gap (a negative bridge counts as 0).
 * wall_us is what the machine's clock said and may step; use it for display
 * only.
 *
 * Damage. A torn tail (a crash while a block was written) ends the reading
 * like the end of file and is counted. A block in the middle that does not
 * match its CRC is left out, found again by the next head that does, and
 * counted, with the number of RTP packets that are missing because of it.
 */
#ifndef MEDIA_SPOOL_H
#define MEDIA_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "media/capture_msg.h"

#define SPOOL_HEAD_LEN 64
#define SPOOL_PAYLOAD_MAX (256u * 1024u)
#define SPOOL_RECORD_LEN 8
#define SPOOL_SUFFIX ".spool"

struct clock;
struct spool_writer;
struct spool_reader;

enum spool_block_type {
	SPOOL_OPEN = 1, /* who; the first block */
	SPOOL_STREAMS,	/* complete stream table */
	SPOOL_PACKETS,	/* one tick */
	SPOOL_EVENT,	/* cap_event */
	SPOOL_RESTART,	/* capture was started again; packets may be missing */
	SPOOL_LOST,	/* packets that could not be written (disk full) */
	SPOOL_CLOSE,	/* finished in order */
};

enum spool_proto { SPOOL_RTP = 0, SPOOL_RTCP = 1 };

/* Why packets were not stored; names by spool_drop_name(). */
enum spool_drop {
	SPOOL_DROP_SOURCE,   /* not from the negotiated address */
	SPOOL_DROP_VERSION,  /* not RTP/RTCP, or broken */
	SPOOL_DROP_PT,	     /* payload type not in the answer */
	SPOOL_DROP_SSRC,     /* too many SSRCs, or on probation and replaced */
	SPOOL_DROP_SEQ,	     /* sequence jump nobody confirmed */
	SPOOL_DROP_INACTIVE, /* came while on hold */
	SPOOL_DROP_MUTED,    /* came while paused */
	SPOOL_DROP_KERNEL,   /* socket buffer full (SO_RXQ_OVFL) */
	SPOOL_DROP_SIZE,     /* longer than a packet may be */
	SPOOL_DROP_DISK,     /* the disk took nothing */
	SPOOL_DROP_AUTH,     /* SRTP: forged, or another key */
	SPOOL_DROP_REPLAY,   /* SRTP: seen before */
	SPOOL_DROP_MAX
};
const char *spool_drop_name(enum spool_drop d); /* "source", "version" ... */

/* ---- what is in a file ---- */

struct spool_open {
	struct id session;
	int64_t start_wall_us;
	char local_address[64]; /* where the packets were sent to */
	const char *meta;	/* JSON of cap_open; NUL-terminated */
	size_t meta_len;
};

/* cap_stream as negotiated; local_port is the port that it got (0 = off). The
 * keys are not in the file. */
struct spool_streams {
	unsigned n;
	struct cap_stream s[CAP_STREAMS_MAX];
};

struct spool_packet {
	uint16_t stream; /* m-line index, as in cap_stream.index */
	uint8_t proto;	 /* enum spool_proto */
	const uint8_t *data;
	size_t len;
};

struct spool_event {
	uint16_t kind; /* enum cap_event_kind */
	int16_t index; /* stream, -1 = the session */
	const char *text;
	size_t text_len;
};

struct spool_lost {
	uint64_t packets;
};

struct spool_stream_totals {
	uint16_t index;
	uint64_t packets, bytes; /* RTP that passed the checks */
	uint64_t dropped[SPOOL_DROP_MAX];
};

/* Totals of streams count from the last start of capture. */
struct spool_close {
	char reason[64];
	uint64_t packets; /* RTP on disk, all streams, whole file */
	uint64_t bytes;	  /* length of the file up to this block */
	unsigned n;
	struct spool_stream_totals streams[CAP_STREAMS_MAX];
};

/* One step of a reader. Pointers live until the next call. */
struct spool_item {
	enum spool_block_type type; /* SPOOL_PACKETS: one packet each */
	int64_t t_us;		    /* since OPEN, see "Time" above */
	int64_t mono_us;
	int64_t wall_us;
	unsigned boot; /* 0, then +1 for every reboot of the machine */
	union {
		struct spool_open open;
		const struct spool_streams *streams;
		struct spool_packet packet;
		struct spool_event event;
		struct spool_lost lost;
		const struct spool_close *close;
	};
};

/* ---- reading ---- */

struct spool_stats {
	uint64_t blocks;	 /* good ones read */
	uint64_t bad_blocks;	 /* left out (a run of garbage counts as one) */
	uint64_t unknown_blocks; /* good, of a type from the future */
	uint64_t skipped_bytes;	 /* of bad blocks */
	uint64_t missing_packets; /* RTP packets that were in bad blocks */
	uint64_t torn_bytes;	  /* behind the last good block right now */
	bool header_bad;   /* file header damaged, salt found in a block */
	bool closed;	   /* CLOSE seen */
	unsigned restarts; /* of capture */
	unsigned reboots;
	uint64_t packets; /* RTP packets given out */
};

/** @return 0, -ENOENT, -EBADMSG not a spool file or nothing in it can be
 *  read, -ENOMEM, -errno */
int spool_reader_open(const char *path, struct spool_reader **ret_reader);
/** Takes NULL. */
void spool_reader_close(struct spool_reader **rp);

/**
 * Next item.
 *
 * @return 1 with an item, 0 at the end of what is there now, or -errno of
 *         read(2). After 0 it may be called again when the file has grown (a
 *         torn tail that gets complete is read then): that is all there is to
 *         follow a running recording.
 */
int spool_reader_next(struct spool_reader *r, struct spool_item *ret_item);

void spool_reader_stats(const struct spool_reader *r,
			struct spool_stats *ret_stats);

/** @return the session id in the file header ("" when that is damaged) */
const char *spool_reader_session(const struct spool_reader *r);

/** Bytes from the start that have been read; for progress. */
uint64_t spool_reader_offset(const struct spool_reader *r);

/* ---- writing: role capture ---- */

/* Collects the packets of one session and tick; shared by all sessions of a
 * process, one after the other. */
struct spool_batch {
	uint8_t *data; /* SPOOL_HEAD_LEN free, then records */
	size_t len;    /* of the records */
	uint32_t n_rtp;
	uint32_t n_rtcp;
};

/** @return 0 or -ENOMEM */
int spool_batch_init(struct spool_batch *b);
void spool_batch_fini(struct spool_batch *b);
void spool_batch_reset(struct spool_batch *b);

/** @return 0, or -ENOBUFS when this packet does not fit any more (write the
 *  batch first), -EMSGSIZE longer than 65535 */
int spool_batch_put(struct spool_batch *b, uint16_t stream,
		    enum spool_proto proto, uint32_t age_us, const void *data,
		    size_t len);

/**
 * Make "<session>.spool" in folder dir_fd and write its OPEN block.
 *
 * @param clock borrowed
 * @return 0, -EEXIST, -ENOSPC, -EIO, -ENOMEM ...; nothing is left behind then
 */
int spool_writer_create(int dir_fd, const struct spool_open *open,
			struct clock *clock, struct spool_writer **ret_writer);

/**
 * Open an existing file to go on: cuts a torn tail, then writes a RESTART
 * block. Reads only the end of the file unless that is damaged.
 *
 * @return 0, -ENOENT, -EBADMSG nothing in it is a spool, -EALREADY its CLOSE
 *         has been written, -errno
 */
int spool_writer_append(int dir_fd, const struct id *session,
			struct clock *clock, struct spool_writer **ret_writer);

/** Without writing anything: a file without CLOSE can be appended later. */
void spool_writer_destroy(struct spool_writer **wp);

/** Give the descriptor back until the next write; what was written is kept as
 *  it is (torn or waiting blocks too). */
void spool_writer_rest(struct spool_writer *w);
/**
 * Have the descriptor again; writes do it by themselves, this is for who can
 * do something about -EMFILE. dir_fd of the making must still be open.
 *
 * @return 0, -EMFILE, -ENFILE, -ENOENT, -ESTALE somebody else has changed the
 *         file meanwhile, -errno
 */
int spool_writer_wake(struct spool_writer *w);
bool spool_writer_resting(const struct spool_writer *w);

/*
 * All writes: one system call each (more after a rest). 0 means the kernel has
 * it (safe from any death of the process; durable after the next group commit).
 * After a failure
 * (-ENOSPC, -EDQUOT, -EIO, -EFBIG) what was torn is cut before the next write,
 * and a block that is not a packets block is kept (at most 128 KiB of them)
 * and written first as soon as the disk takes it. The packets of a failed
 * batch are gone: they are counted and a LOST block follows.
 */
int spool_writer_streams(struct spool_writer *w,
			 const struct spool_streams *table);
int spool_writer_event(struct spool_writer *w, const struct spool_event *ev);
/** @param mono_us,wall_us the time from which the ages in b count back
 *  b is changed (the head is put in front of its records); not reset */
int spool_writer_packets(struct spool_writer *w, struct spool_batch *b,
			 int64_t mono_us, int64_t wall_us);
/** Write what had to wait, if any. 0 also when nothing waits. */
int spool_writer_retry(struct spool_writer *w);
/** totals: packets and bytes are filled in by the writer. */
int spool_writer_close(struct spool_writer *w, struct spool_close *totals);

const char *spool_writer_name(const struct spool_writer *w);
uint64_t spool_writer_size(const struct spool_writer *w);
/** RTP packets on disk, whole file (also those before a restart). */
uint64_t spool_writer_total(const struct spool_writer *w);
uint64_t spool_writer_lost_total(const struct spool_writer *w);

#endif
