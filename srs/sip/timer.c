#include "srs/sip/timer.h"

#include <errno.h>
#include <stdio.h>

#include "srs/sip/fields.h"

#define US INT64_C(1000000)

int sip_timer_judge(const struct sip_timer_config *cfg,
		    const struct sip_fields *fields,
		    struct sip_timer *ret_timer)
{
	bool supported = sip_fields_lists(fields, "Supported", "timer") ||
			 sip_fields_lists(fields, "Require", "timer");
	struct sip_timer t = { 0 };
	struct span v, refresher;
	uint32_t asked = 0, min_se = 0;

	if (sip_fields_get(fields, "Session-Expires", 0, &v) &&
	    sip_leading_u32(v, &asked) == 0 && asked > 0) {
		if (asked < cfg->min_se_s && supported)
			return -ERANGE;
		if (sip_param_get(v, "refresher", &refresher))
			t.we_refresh = span_ieq(refresher, "uas");
	}
	if (!supported) {
		/* Nobody who would refresh: no timer. */
		t.we_refresh = false;
		*ret_timer = t;
		return 0;
	}
	if (t.we_refresh && !sip_fields_lists(fields, "Allow", "UPDATE")) {
		t.we_refresh = false;
		*ret_timer = t;
		return 0;
	}
	t.expires_s = cfg->expires_s;
	if (asked > 0 && asked < t.expires_s)
		t.expires_s = asked;
	if (sip_fields_get(fields, "Min-SE", 0, &v) &&
	    sip_leading_u32(v, &min_se) == 0 && t.expires_s < min_se)
		t.expires_s = min_se;
	*ret_timer = t;
	return 0;
}

void sip_timer_header(const struct sip_timer *t, char *dst, size_t dst_len)
{
	if (t->expires_s == 0) {
		dst[0] = '\0';
		return;
	}
	(void)snprintf(dst, dst_len, "Session-Expires: %u;refresher=%s\r\n",
		       t->expires_s, t->we_refresh ? "uas" : "uac");
}

int64_t sip_timer_deadline_us(const struct sip_timer *t, int64_t mono_us)
{
	int64_t early_s = t->expires_s / 3;

	if (t->expires_s == 0)
		return INT64_MAX;
	if (early_s > 32)
		early_s = 32;
	return mono_us + ((int64_t)t->expires_s - early_s) * US;
}

int64_t sip_timer_refresh_us(const struct sip_timer *t, int64_t mono_us)
{
	if (t->expires_s == 0 || !t->we_refresh)
		return INT64_MAX;
	return mono_us + (int64_t)t->expires_s * US / 2;
}
