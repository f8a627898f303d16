#include "media/capture_msg.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define HEAD_LEN offsetof(struct cap_open, streams)

static size_t packed_len(const struct cap_open *o)
{
	return HEAD_LEN + o->n_streams * sizeof(o->streams[0]) + o->meta_len +
	       1;
}

size_t cap_open_pack(struct cap_open *o)
{
	char *p = (char *)o;
	size_t len = packed_len(o);

	/* meta lies behind all streams: this moves it towards the front */
	memmove(p + len - o->meta_len - 1, o->meta, o->meta_len + 1);
	return len;
}

int cap_open_unpack(const void *data, size_t len, struct cap_open *ret)
{
	const char *p = data;

	if (len < HEAD_LEN)
		return -EBADMSG;
	memcpy(ret, p, HEAD_LEN);
	if (ret->n_streams > CAP_STREAMS_MAX || ret->meta_len >= CAP_META_MAX ||
	    len != packed_len(ret))
		return -EBADMSG;
	memcpy(ret->streams, p + HEAD_LEN, len - HEAD_LEN - ret->meta_len - 1);
	memcpy(ret->meta, p + len - ret->meta_len - 1, ret->meta_len);
	ret->meta[ret->meta_len] = '\0';
	return 0;
}
