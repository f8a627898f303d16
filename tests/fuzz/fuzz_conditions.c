/* Any bytes as authorization_details. What is accepted must read back the
 * same, be within itself, be sayable, and let itself be judged. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/conditions.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

static void check_sentence(void *arg, const char *sentence)
{
	ASSERT(str_utf8_ok(sentence, strlen(sentence)));
	++*(unsigned *)arg;
}

static void make_facts(struct call_facts *f, struct identity people[2],
		       uint8_t salt)
{
	static const char *const numbers[] = { "tel:+442079460001",
					       "02079460001",
					       "sip:442079460001@gw.example",
					       "tel:1;phone-context=+44" };
	struct call_stream *s = &f->streams[0];

	memset(f, 0, sizeof(*f));
	(void)identity_parse("sip:alice@voip.example", &people[0]);
	(void)identity_parse(numbers[salt >> 6], &people[1]);
	f->people = people;
	f->n_people = salt & 3 ? 2 : 0;
	f->people_known = salt & 4;
	f->caller = (salt >> 3 & 3) - 1;
	f->who.side = (enum call_side)(salt % 3);
	f->who.callers[f->who.n_callers++] = numbers[salt & 3];
	f->wall_us = 1781092800000000LL + salt * 3600000000LL;
	f->known_direction = (enum cond_direction)(salt >> 4 & 3);
	f->told = (enum call_told)(salt % 3);
	f->n_streams = 1;
	s->offered = true;
	s->n_codecs = 2;
	(void)codec_name_parse("PCMU/8000", &s->codecs[0]);
	(void)codec_name_parse("telephone-event/8000", &s->codecs[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conditions *c CLEANUP(conditions_free) = NULL;
	struct conditions *again CLEANUP(conditions_free) = NULL;
	struct call_facts *f CLEANUP(mem_freep) = mem_zalloc(sizeof(*f));
	struct identity people[2];
	char user[100];
	struct err e = { 0 };
	struct judgement j;
	unsigned n = 0;

	if (conditions_parse((const char *)data, len, &c, &e) < 0) {
		ASSERT(e.code < 0 && e.text[0]);
		return 0;
	}
	ASSERT(conditions_parse(c->text, strlen(c->text), &again, &e) == 0);
	ASSERT(str_eq(c->text, again->text));
	ASSERT(conditions_wider(c, again, NULL, 0) == 0);
	ASSERT(conditions_sentences(c, check_sentence, &n) == 0 && n > 0);
	make_facts(f, people, data[len / 2]);
	(void)span_copy(user, sizeof(user),
			(struct span){ (const char *)data, len });
	f->who.user = user;
	ASSERT(conditions_caller(c, f) < (int)f->n_people);
	ASSERT(conditions_judge(c, f, &j) == (j.n_violations == 0));
	ASSERT(j.n_permitted <= 1);
	/* unknown as any allows no less */
	n = j.n_violations;
	c->unknown_is_any = true;
	(void)conditions_judge(c, f, &j);
	ASSERT(j.n_violations <= n);
	ASSERT(!j.ends_us || j.n_violations || j.ends_us > f->wall_us);
	return 0;
}
