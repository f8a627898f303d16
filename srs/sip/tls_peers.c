#include "srs/sip/tls_peers.h"

#include <netinet/in.h>
#include <string.h>

#define SETS 4096u
#define WAYS 4u

struct key {
	uint8_t ip[16]; /* IPv4 as mapped */
	uint16_t port, local_port;
};

struct entry {
	struct key key;
	uint64_t used; /* when it was put, 0 = free */
	uint8_t hash[TLS_PEERS_HASH];
};

static struct entry table[SETS][WAYS];
static uint64_t counter;

static bool make_key(const struct sockaddr_storage *peer, uint16_t local_port,
		     struct key *k)
{
	const struct sockaddr_in6 *in6 = (const void *)peer;
	const struct sockaddr_in *in = (const void *)peer;

	memset(k, 0, sizeof(*k));
	k->local_port = local_port;
	if (peer->ss_family == AF_INET) {
		k->ip[10] = k->ip[11] = 0xff;
		memcpy(k->ip + 12, &in->sin_addr, 4);
		k->port = ntohs(in->sin_port);
	} else if (peer->ss_family == AF_INET6) {
		memcpy(k->ip, &in6->sin6_addr, 16);
		k->port = ntohs(in6->sin6_port);
	} else {
		return false;
	}
	return true;
}

/* FNV-1a */
static struct entry *set_of(const struct key *k)
{
	const uint8_t *p = (const uint8_t *)k;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(*k); i++)
		h = (h ^ p[i]) * 16777619u;
	return table[h % SETS];
}

static struct entry *find(struct entry *set, const struct key *k)
{
	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].used && memcmp(&set[i].key, k, sizeof(*k)) == 0)
			return &set[i];
	return NULL;
}

void tls_peers_put(const struct sockaddr_storage *peer, uint16_t local_port,
		   const uint8_t hash[TLS_PEERS_HASH])
{
	struct entry *set, *e;
	struct key k;

	if (!make_key(peer, local_port, &k))
		return;
	set = set_of(&k);
	e = find(set, &k);
	if (!hash) {
		if (e)
			e->used = 0;
		return;
	}
	if (!e) {
		e = set;
		for (unsigned i = 1; i < WAYS; i++)
			if (set[i].used < e->used)
				e = &set[i];
	}
	e->key = k;
	e->used = ++counter;
	memcpy(e->hash, hash, TLS_PEERS_HASH);
}

bool tls_peers_get(const struct sockaddr_storage *peer, uint16_t local_port,
		   uint8_t ret_hash[TLS_PEERS_HASH])
{
	const struct entry *e;
	struct key k;

	if (!make_key(peer, local_port, &k))
		return false;
	e = find(set_of(&k), &k);
	if (e)
		memcpy(ret_hash, e->hash, TLS_PEERS_HASH);
	return e != NULL;
}
