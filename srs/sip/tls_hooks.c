/* See tls_hooks.h. Sofia calls, in this order: SSL_CTX_use_certificate_file,
 * SSL_CTX_use_PrivateKey_file, SSL_CTX_load_verify_locations,
 * SSL_CTX_set_verify. Its own verify callback is left out on purpose: without
 * "required" it turns failed checks into good ones and then reports the peer
 * as verified.
 */
#include "srs/sip/tls_hooks.h"

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

static struct tls_hook *active;

void tls_hook_set(struct tls_hook *hook)
{
	active = hook;
}

static void failed(const char *what, const char *file)
{
	char reason[120];

	ERR_error_string_n(ERR_peek_last_error(), reason, sizeof(reason));
	ERR_clear_error();
	if (active->error[0] == '\0')
		(void)snprintf(active->error, sizeof(active->error),
			       "%s %s: %s", what, file, reason);
}

/* The library's function of the same name. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int SSL_CTX_use_certificate_file(SSL_CTX *ctx, const char *file, int type)
{
	if (!active)
		return REAL(SSL_CTX_use_certificate_file)(ctx, file, type);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	if (SSL_CTX_use_certificate_chain_file(ctx, active->certificate) == 1)
		return 1;
	failed("certificate", active->certificate);
	return 0;
}

int SSL_CTX_use_PrivateKey_file(SSL_CTX *ctx, const char *file, int type)
{
	__typeof__(&SSL_CTX_use_PrivateKey_file) real =
		REAL(SSL_CTX_use_PrivateKey_file);

	if (!active)
		return real(ctx, file, type);
	if (real(ctx, active->key, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_check_private_key(ctx) == 1)
		return 1;
	failed("key", active->key);
	return 0;
}

int SSL_CTX_load_verify_locations(SSL_CTX *ctx, const char *file,
				  const char *path)
{
	__typeof__(&SSL_CTX_load_verify_locations) real =
		REAL(SSL_CTX_load_verify_locations);

	if (!active)
		return real(ctx, file, path);
	if (active->ca[0] == '\0')
		return 1;
	if (real(ctx, active->ca, NULL) == 1) {
		SSL_CTX_set_client_CA_list(ctx,
					   SSL_load_client_CA_file(active->ca));
		return 1;
	}
	failed("client CA", active->ca);
	return 0;
}

void SSL_CTX_set_verify(SSL_CTX *ctx, int mode, SSL_verify_cb callback)
{
	static const int modes[] = {
		SSL_VERIFY_NONE,
		SSL_VERIFY_PEER,
		SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};

	if (!active) {
		REAL(SSL_CTX_set_verify)(ctx, mode, callback);
		return;
	}
	REAL(SSL_CTX_set_verify)(ctx, modes[active->verify], NULL);
}
