#include "base/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_v4(const struct net_addr *a)
{
	return memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

bool net_addr_parse(struct span text, struct net_addr *ret_addr)
{
	struct net_addr a;
	char word[NET_TEXT_MAX];

	if (memchr(text.p, '\0', text.len) ||
	    !span_copy(word, sizeof(word), text))
		return false;
	if (inet_pton(AF_INET, word, a.ip + 12) == 1)
		memcpy(a.ip, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, word, a.ip) != 1)
		return false;
	*ret_addr = a;
	return true;
}

bool net_addr_of(const struct sockaddr *sa, struct net_addr *ret_addr)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (sa && sa->sa_family == AF_INET) {
		memcpy(ret_addr->ip, mapped, sizeof(mapped));
		memcpy(ret_addr->ip + 12, &in->sin_addr, 4);
		return true;
	}
	if (!sa || sa->sa_family != AF_INET6)
		return false;
	memcpy(ret_addr->ip, &in6->sin6_addr, sizeof(ret_addr->ip));
	return true;
}

void net_addr_text(const struct net_addr *a, char dst[NET_TEXT_MAX])
{
	dst[0] = '\0';
	if (is_v4(a))
		(void)inet_ntop(AF_INET, a->ip + 12, dst, NET_TEXT_MAX);
	else
		(void)inet_ntop(AF_INET6, a->ip, dst, NET_TEXT_MAX);
}

bool net_addr_is_loopback(const struct net_addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return is_v4(a) ? a->ip[12] == 127
			: memcmp(a->ip, one, sizeof(one)) == 0;
}

static bool bit(const struct net_addr *a, unsigned i)
{
	return a->ip[i / 8] >> (7 - i % 8) & 1;
}

static bool same_bits(const struct net_addr *a, const struct net_addr *b,
		      unsigned bits)
{
	for (unsigned i = 0; i < bits; i++)
		if (bit(a, i) != bit(b, i))
			return false;
	return true;
}

static int add_net(struct net_list *list, struct span text)
{
	struct span rest = text, host = span_cut(&rest, '/');
	bool has_bits = host.len < text.len;
	struct net_addr a, zero = { { 0 } };
	uint64_t bits = 128;

	if (!net_addr_parse(host, &a))
		return -EINVAL;
	if (has_bits) {
		if (span_u64(rest, is_v4(&a) ? 32 : 128, &bits) < 0)
			return -EINVAL;
		bits += is_v4(&a) ? 96 : 0;
	}
	for (unsigned i = (unsigned)bits; i < 128; i++)
		if (bit(&a, i) != bit(&zero, i))
			return -EINVAL;
	if (list->n == NET_LIST_MAX)
		return -E2BIG;
	list->nets[list->n].addr = a;
	list->nets[list->n++].bits = (unsigned)bits;
	return 0;
}

int net_list_parse(struct span text, struct net_list *ret_list)
{
	struct net_list list = { .n = 0 };
	struct span some, one;
	int r = 0;

	while (text.len > 0 && r == 0) {
		some = span_cut(&text, ',');
		while (some.len > 0 && r == 0) {
			one = span_trim(span_cut(&some, ' '));
			if (one.len > 0)
				r = add_net(&list, one);
		}
	}
	if (r == 0)
		*ret_list = list;
	return r;
}

bool net_list_has(const struct net_list *list, const struct net_addr *a)
{
	for (unsigned i = 0; i < list->n; i++)
		if (same_bits(&list->nets[i].addr, a, list->nets[i].bits))
			return true;
	return false;
}
