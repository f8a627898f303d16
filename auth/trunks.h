/* auth/trunks.h - recording clients that send no token.
 *
 * A trunk says: whoever shows this certificate, or sends from these addresses,
 * records under this grant. The grant's client, owner and conditions count as
 * if one of its tokens had come. Settings of the trunk say how to deal with
 * what it sends.
 *
 *	tls_name       a DNS, URI or IP SAN or the CN of the client certificate
 *	tls_sha256     SHA-256 of the certificate (DER) as hex
 *	addresses      addresses and networks; without a certificate they count
 *	               only where the caller allows that
 *	uri_user       "" or the only user part of the Request-URI it is for
 *	strictness     tolerant | strict (errors in bodies are refused)
 *	token_forms    none, or token, access_token: quoted forms of bearer
 *	               tokens that are taken from it besides the plain one
 *	media_source   strict (RTP from the address in SDP) | learn
 *	channel_order  metadata | mline | label: who is left
 *	srtp           default ([media] srtp) | preferred | required | off
 *	vendor         free word that its User-Agent should contain
 *	enabled        no: as if it were not there
 *
 * At least one of the first three is said; all that are said must hold. Which
 * one counts when several match: certificate by hash, by name, then addresses,
 * the longer prefix before the shorter; among these the one that names the
 * user part; of several certificate names the trunk that is older. No two have
 * the same identity and user part, over all tenants; auth/trunk_claim.h says
 * what else may not overlap. A trunk that somebody of the account bound never
 * comes before one of that account that the operator bound.
 *
 * Trunks of the operator's file ([sip] trunks_file) are in the same table and
 * can only be changed there.
 *
 * Errors besides those named: of storage/db.h. Any role.
 */
#ifndef AUTH_TRUNKS_H
#define AUTH_TRUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/id.h"

struct err;

#define TRUNK_NAME_MAX 64
#define TRUNK_TLS_MAX 256
#define TRUNK_USER_MAX 128
#define TRUNK_VENDOR_MAX 64
#define TRUNK_NETS_MAX 16
/* The longest value as text: a list of networks. */
#define TRUNK_TEXT_MAX (TRUNK_NETS_MAX * 52)

enum trunk_source { TRUNK_SOURCE_STRICT, TRUNK_SOURCE_LEARN };
enum trunk_order { TRUNK_ORDER_METADATA, TRUNK_ORDER_MLINE, TRUNK_ORDER_LABEL };
enum trunk_srtp {
	TRUNK_SRTP_DEFAULT,
	TRUNK_SRTP_PREFERRED,
	TRUNK_SRTP_REQUIRED,
	TRUNK_SRTP_OFF,
};

/* Bits of token_forms. */
#define TRUNK_FORM_TOKEN 1u
#define TRUNK_FORM_ACCESS_TOKEN 2u

/* IPv4 as IPv4-mapped IPv6 with 96 more bits. */
struct trunk_net {
	uint8_t ip[16];
	uint8_t bits; /* 0..128 */
};

struct trunk {
	char id[ID_LEN + 1];
	char tenant_id[ID_LEN + 1]; /* of the grant */
	char client_id[ID_LEN + 1]; /* of the grant */
	char grant_id[ID_LEN + 1];
	char name[TRUNK_NAME_MAX];
	char tls_name[TRUNK_TLS_MAX]; /* lower case */
	char tls_sha256[65];	      /* lower case hex */
	struct trunk_net nets[TRUNK_NETS_MAX];
	unsigned n_nets;
	char uri_user[TRUNK_USER_MAX];
	bool strict;
	unsigned token_forms;
	enum trunk_source source;
	enum trunk_order order;
	enum trunk_srtp srtp;
	char vendor[TRUNK_VENDOR_MAX];
	bool enabled;
	bool from_file;
	bool by_tenant; /* bound by somebody of the account, not the operator */
	bool forced;	/* for add and change only: may overlap */
	int64_t created_us;
};

/* ---- values as text (trunk_keys.c; pure) ---- */

/** Every key that can be set, in the order of the manual; NULL at the end. */
extern const char *const trunk_keys[];

/** What a new trunk is where nothing is said. */
void trunk_defaults(struct trunk *t);
/** Set one value from text. @return 0; -ENOENT no such key, -EINVAL value (e
 *  says why) */
int trunk_set(struct trunk *t, const char *key, const char *value,
	      struct err *e);
/** The value as trunk_set() takes it; "" for an unknown key.
 *  @param dst_len at least TRUNK_TEXT_MAX */
void trunk_text(const struct trunk *t, const char *key, char *dst,
		size_t dst_len);
/** Is it complete (name, grant and an identity)? @return 0, -EINVAL */
int trunk_check(const struct trunk *t, struct err *e);

/** "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1" as a host.
 *  @return false: not an address */
bool trunk_net_host(const char *address, struct trunk_net *ret_net);
bool trunk_net_contains(const struct trunk_net *net,
			const struct trunk_net *host);
/** Is the address in this list, as trunk_text() gives "addresses"? */
bool trunk_list_has(const char *list, const char *address);

/* ---- the catalog ------------------------------------------------------- */

/**
 * Add one; tenant and client come from the grant, id and created_us are set.
 *
 * @return 0; -EINVAL incomplete; -ENOENT no such grant; -EKEYREVOKED grant
 *         revoked (not for the file's); -EEXIST name or identity is taken (e
 *         says which of them), see auth/trunk_claim.h
 */
int trunk_add(struct auth *a, struct trunk *t, const char *actor,
	      struct err *e);
/** Write changed values of the trunk with this id. Errors as trunk_add();
 *  -EPERM it belongs to the file; -EXDEV the new grant is another tenant's */
int trunk_change(struct auth *a, struct trunk *t, const char *actor,
		 struct err *e);
/** Running calls go on. @return 0, -ENOENT, -EPERM */
int trunk_remove(struct auth *a, const char *id, const char *actor,
		 struct err *e);

/** @return 0, -ENOENT */
int trunk_get(struct auth *a, const char *id, struct trunk *ret_trunk);
/** By id or name. @param tenant_id NULL = any
 *  @return 0, -ENOENT, -ENOTUNIQ several tenants have this name */
int trunk_lookup(struct auth *a, const char *tenant_id, const char *word,
		 struct trunk *ret_trunk);

typedef int trunk_fn(void *arg, const struct trunk *t);
/** @param tenant_id NULL = all */
int64_t trunk_each(struct auth *a, const char *tenant_id, trunk_fn *fn,
		   void *arg);

/* ---- a request --------------------------------------------------------- */

/* Where a request came from; borrowed. */
struct trunk_peer {
	const char *const *tls_names; /* of a verified certificate */
	unsigned n_tls_names;
	const char *tls_sha256; /* of the same, "" or NULL = not known */
	const char *address;	/* numeric, without port */
	bool address_is_proof;	/* [sip] allow_address_trunks */
};

/** The enabled trunk that this peer is. @param uri_user "" = none
 *  @return 0, -ENOENT */
int trunk_find(struct auth *a, const struct trunk_peer *p, const char *uri_user,
	       struct trunk *ret_trunk);
/** Is it one of the trunk's addresses? */
bool trunk_has_address(const struct trunk *t, const char *address);
/** Is the peer this trunk? uri_user is not looked at. Pure. */
bool trunk_is(const struct trunk *t, const struct trunk_peer *p);

#endif
