#include "auth/token_form.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static uint32_t crc32_of(const char *s, size_t len)
{
	uint32_t crc = 0xffffffffu;
	size_t i;
	int k;

	for (i = 0; i < len; i++) {
		crc ^= (uint8_t)s[i];
		for (k = 0; k < 8; k++)
			crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
	}
	return ~crc;
}

static void crc_text(const char *s, size_t len, char dst[TOKEN_CRC_LEN + 1])
{
	uint32_t crc = crc32_of(s, len);
	uint8_t b[4] = { (uint8_t)(crc >> 24), (uint8_t)(crc >> 16),
			 (uint8_t)(crc >> 8), (uint8_t)crc };

	str_b64url(dst, b, sizeof(b));
}

static bool alphabet_ok(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!(s[i] >= '0' && s[i] <= '9') &&
		    !((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') &&
		    s[i] != '-' && s[i] != '_')
			return false;
	return true;
}

static bool kind_ok(const char *p)
{
	static const char *const kinds[] = { "at", "rt", "ac", "cs", "pr" };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (memcmp(kinds[i], p, 2) == 0)
			return true;
	return false;
}

int token_form_parse(struct span text, struct token_form *ret_form)
{
	const char *id, *secret;
	char crc[TOKEN_CRC_LEN + 1];

	if (text.len != TOKEN_LEN || memcmp(text.p, "srs_", 4) != 0 ||
	    !kind_ok(text.p + 4) || text.p[6] != '_')
		return -EBADMSG;
	id = text.p + 7;
	secret = id + TOKEN_ID_LEN + 1;
	if (id[TOKEN_ID_LEN] != '.' || !alphabet_ok(id, TOKEN_ID_LEN) ||
	    !alphabet_ok(secret, TOKEN_SECRET_LEN))
		return -EBADMSG;
	crc_text(text.p, TOKEN_LEN - TOKEN_CRC_LEN, crc);
	if (memcmp(crc, text.p + TOKEN_LEN - TOKEN_CRC_LEN, TOKEN_CRC_LEN) != 0)
		return -EBADMSG;
	memset(ret_form, 0, sizeof(*ret_form));
	memcpy(ret_form->kind, text.p + 4, 2);
	memcpy(ret_form->id, id, TOKEN_ID_LEN);
	memcpy(ret_form->secret, secret, TOKEN_SECRET_LEN);
	return 0;
}

static void from_bytes(const char *kind, const uint8_t id[12],
		       const uint8_t secret[32], struct token_form *f)
{
	memset(f, 0, sizeof(*f));
	(void)str_copy(f->kind, sizeof(f->kind), kind);
	str_b64url(f->id, id, 12);
	str_b64url(f->secret, secret, 32);
}

void token_form_random(const char *kind, struct token_form *ret_form)
{
	uint8_t id[12], secret[32];

	id_random(id, sizeof(id));
	id_random(secret, sizeof(secret));
	from_bytes(kind, id, secret, ret_form);
	explicit_bzero(secret, sizeof(secret));
}

void token_form_derive(const struct auth *a, const struct token_form *old,
		       const char *kind, struct token_form *ret_form)
{
	uint8_t id[AUTH_MAC_LEN], secret[AUTH_MAC_LEN];
	char text[TOKEN_MAX], label[32];

	token_form_text(old, text);
	(void)snprintf(label, sizeof(label), "next-%s-id", kind);
	auth_mac(a, label, text, strlen(text), id);
	(void)snprintf(label, sizeof(label), "next-%s-secret", kind);
	auth_mac(a, label, text, strlen(text), secret);
	from_bytes(kind, id, secret, ret_form);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(secret, sizeof(secret));
}

void token_form_text(const struct token_form *f, char dst[TOKEN_MAX])
{
	size_t len;

	(void)snprintf(dst, TOKEN_MAX, "srs_%s_%s.%s", f->kind, f->id,
		       f->secret);
	len = strlen(dst);
	ASSERT(len == TOKEN_LEN - TOKEN_CRC_LEN);
	crc_text(dst, len, dst + len);
}

void token_form_mac(const struct auth *a, const struct token_form *f,
		    uint8_t ret_mac[AUTH_MAC_LEN])
{
	char text[TOKEN_MAX];

	token_form_text(f, text);
	auth_mac(a, "token", text, strlen(text), ret_mac);
	explicit_bzero(text, sizeof(text));
}

bool token_form_ok(struct span text)
{
	struct token_form f;

	return token_form_parse(text, &f) == 0;
}

bool token_looks_ours(struct span text)
{
	return text.len > 7 && memcmp(text.p, "srs_", 4) == 0 &&
	       kind_ok(text.p + 4) && text.p[6] == '_';
}

bool token_looks_refresh(struct span text)
{
	return span_starts(text, "srs_rt_");
}
