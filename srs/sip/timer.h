/* srs/sip/timer.h - session timers (RFC 4028), the side that answers.
 *
 * The recording client refreshes. A client that asks us to refresh is obeyed
 * when it lets us (UPDATE in its Allow); otherwise the session runs without a
 * timer and the media time-out ends what has gone silent. Pure functions: the
 * caller brings the message's fields and the clock.
 */
#ifndef SRS_SIP_TIMER_H
#define SRS_SIP_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sip_fields;

struct sip_timer_config {
	uint32_t expires_s; /* what we propose; a shorter wish is granted */
	uint32_t min_se_s;  /* RFC 4028: at least 90 */
};

struct sip_timer {
	uint32_t expires_s; /* 0: this session has no timer */
	bool we_refresh;
};

/**
 * Judge the timer headers of an INVITE or UPDATE.
 *
 * Source: RFC 4028 section 9.
 *
 * @return 0, or -ERANGE: answer 422 with Min-SE
 */
int sip_timer_judge(const struct sip_timer_config *cfg,
		    const struct sip_fields *fields,
		    struct sip_timer *ret_timer);

/** "Session-Expires: 1800;refresher=uac\r\n" for the answer, "" without a
 *  timer. dst needs 64 bytes. */
void sip_timer_header(const struct sip_timer *t, char *dst, size_t dst_len);

/** When a session that was refreshed at mono_us is over: BYE goes out
 *  min(32 s, a third) before the interval ends (RFC 4028 section 10).
 *  @return INT64_MAX without a timer */
int64_t sip_timer_deadline_us(const struct sip_timer *t, int64_t mono_us);

/** When we have to refresh: at half of the interval. INT64_MAX: never */
int64_t sip_timer_refresh_us(const struct sip_timer *t, int64_t mono_us);

#endif
