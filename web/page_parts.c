#include "web/page_parts.h"

#include "base/clock.h"
#include "web/html.h"

void page_time(struct buf *b, int64_t wall_us)
{
	char exact[CLOCK_RFC3339_MAX], words[HTML_TIME_MAX];

	if (wall_us == 0)
		return;
	clock_format(wall_us, exact, sizeof(exact));
	html_time(wall_us, words);
	HTML(b, "<time datetime=\"{}\">{} UTC</time>", exact, words);
}

void page_state(struct buf *b, enum recording_state state)
{
	static const struct {
		const char *css, *words;
	} table[] = {
		[RECORDING_LIVE] = { "live", "Recording" },
		[RECORDING_RENDERING] = { "busy", "Preparing" },
		[RECORDING_READY] = { "good", "Ready" },
		[RECORDING_FAILED] = { "bad", "Failed" },
	};

	HTML(b, "<span class=\"tag {}\">{}</span>", table[state].css,
	     table[state].words);
}
