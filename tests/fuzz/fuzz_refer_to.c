/* Refer-To, Replaces, Target-Dialog, message/sipfrag: what is let through has
 * no byte that could end a header line, and is understood again. */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "srs/sip/refer_to.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s)
{
	for (; *s; s++)
		ASSERT(*s > 0x20 && *s < 0x7f && *s != ',');
}

static void check_dialog(const struct sip_dialog_id *id)
{
	struct sip_dialog_id again;
	struct buf b;

	check_text(id->call_id);
	check_text(id->local_tag);
	check_text(id->remote_tag);
	buf_init(&b, 1024);
	replaces_print(id, &b);
	ASSERT(replaces_parse(span_of(buf_str(&b)), &again) == 0);
	ASSERT(str_eq(again.call_id, id->call_id) &&
	       str_eq(again.local_tag, id->local_tag) &&
	       str_eq(again.remote_tag, id->remote_tag));
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	struct refer_to to, again;
	struct sip_dialog_id id;
	struct buf b;

	if (!refer_to_parse(text, &to)) {
		for (const char *s = to.uri; *s; s++)
			ASSERT(*s > 0x20 && *s < 0x7f && !strchr("<>\"?", *s));
		buf_init(&b, 8192);
		buf_printf(&b, "<%s", to.uri);
		if (to.replaces.call_id[0]) {
			struct buf r;

			check_dialog(&to.replaces);
			buf_init(&r, 1024);
			replaces_print(&to.replaces, &r);
			buf_puts(&b, "?Replaces=");
			uri_escape(buf_str(&r), &b);
			buf_fini(&r);
		}
		buf_puts(&b, ">");
		if (b.len <= REFER_TO_MAX) {
			ASSERT(!refer_to_parse(span_of(buf_str(&b)), &again));
			ASSERT(str_eq(again.uri, to.uri));
		}
		buf_fini(&b);
	}
	if (replaces_parse(text, &id) == 0)
		check_dialog(&id);
	if (target_dialog_parse(text, &id) == 0)
		check_dialog(&id);
	(void)sipfrag_status(text);
	return 0;
}
