#include "srs/siprec/body.h"

#include "srs/siprec/warn.h"

static void take_first(bool *has, struct span *dst, const struct part *p,
		       const char *what, struct warn_list *wl)
{
	if (*has) {
		warn_add(wl, "body.repeated_part", WARN_WARNING,
			 "a second %s part is ignored", what);
		return;
	}
	*has = true;
	*dst = p->body;
}

void body_read(struct span content_type, struct span bytes,
	       struct warn_list *wl, struct body *ret_body)
{
	struct body *b = ret_body;

	*b = (struct body){ 0 };
	multipart_split(content_type, bytes, wl, &b->all);
	for (unsigned i = 0; i < b->all.n; i++) {
		const struct part *p = &b->all.parts[i];

		switch (p->kind) {
		case PART_SDP:
			take_first(&b->has_sdp, &b->sdp, p, "SDP", wl);
			break;
		case PART_METADATA:
			take_first(&b->has_metadata, &b->metadata, p,
				   "metadata", wl);
			break;
		case PART_METADATA_REQUEST:
			b->has_metadata_request = true;
			break;
		case PART_OTHER:
			break;
		}
	}
}
