/* Labels of kept SIP messages: whatever the bytes, the spans lie inside, and
 * an address made of a Contact is one. */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pcapng.h"
#include "storage/signalling_hide.h"
#include "storage/signalling_label.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_inside(struct span text, struct span s)
{
	ASSERT(s.len == 0 ||
	       (s.p >= text.p && s.p + s.len <= text.p + text.len));
}

/* What is hidden once has nothing more to hide. */
static void hide_twice(struct span text)
{
	struct buf once, twice;

	buf_init(&once, 16 << 20);
	buf_init(&twice, 16 << 20);
	ASSERT(signalling_hide(text, &once) == 0);
	ASSERT(signalling_hide((struct span){ buf_str(&once), once.len },
			       &twice) == 0);
	ASSERT(once.len == twice.len &&
	       memcmp(buf_str(&once), buf_str(&twice), once.len) == 0);
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span text = { (const char *)data, len };
	struct signalling_label l;
	struct pcapng_end e;
	struct span host;

	hide_twice(text);
	signalling_label_read(text, &l);
	check_inside(text, l.start);
	check_inside(text, l.reason);
	check_inside(text, l.method);
	ASSERT(l.status == 0 || (l.status >= 100 && l.status <= 699));
	host = signalling_contact(text);
	check_inside(text, host);
	(void)pcapng_end_parse(host, &e); /* most are none */
	(void)pcapng_end_parse(text, &e);
	return 0;
}
