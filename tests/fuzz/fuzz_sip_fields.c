/* The text of a SIP message: header lines, parameters, and redaction, after
 * which no token is left. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "srs/sip/fields.h"
#include "srs/sip/name_addr.h"
#include "srs/sip/redact.h"
#include "srs/sip/timer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_names(struct span value)
{
	const char *end = value.p + value.len;
	char name[NAME_ADDR_TEXT_MAX];
	struct name_addr a;

	while (name_addr_take(&value, &a)) {
		ASSERT(a.uri.len > 0 && a.uri.p + a.uri.len <= end);
		ASSERT(a.display.p + a.display.len <= end);
		name_addr_display(&a, name);
		ASSERT(str_utf8_ok(name, strlen(name)));
		(void)name_is_persons(name, a.uri);
	}
	ASSERT(value.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sip_timer_config cfg = { 1800, 90 };
	struct span text = { (const char *)data, size };
	struct sip_field f[SIP_FIELDS_MAX];
	struct sip_fields s = { .f = f };
	struct sip_timer t;
	struct buf out;

	s.n = sip_fields_parse(text, f);
	ASSERT(s.n <= SIP_FIELDS_MAX);
	for (unsigned i = 0; i < s.n; i++) {
		struct span v = f[i].value;
		uint32_t n;

		ASSERT(f[i].name.len > 0);
		ASSERT(v.p >= text.p && v.p + v.len <= text.p + text.len);
		read_names(v);
		(void)sip_param_get(v, "+sip.src", &v);
		(void)sip_leading_u32(v, &n);
	}
	(void)sip_fields_lists(&s, "Supported", "siprec");
	if (sip_timer_judge(&cfg, &s, &t) == 0)
		ASSERT(t.expires_s == 0 || t.expires_s >= 90);
	buf_init(&out, 4 * size + 4096);
	ASSERT(sip_redact(text, &out) == 0);
	ASSERT(!memmem(out.data, out.len, "srs_at_", 7));
	ASSERT(!memmem(out.data, out.len, "srs_rt_", 7));
	buf_fini(&out);
	return 0;
}
