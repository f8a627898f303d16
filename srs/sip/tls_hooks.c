/* See tls_hooks.h. Sofia calls, in this order: SSL_CTX_use_certificate_file,
 * SSL_CTX_use_PrivateKey_file, SSL_CTX_load_verify_locations,
 * SSL_CTX_set_verify. Its own verify callback is left out on purpose: without
 * "required" it turns failed checks into good ones and then reports the peer
 * as verified. SSL_get1_peer_certificate is how the client's certificate is
 * seen, of which Sofia keeps the names only; SSL_connect is where the
 * certificate of those we call gets checked.
 */
#include "srs/sip/tls_hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/log.h"
#include "srs/sip/tls_peers.h"

static struct tls_hook *active;
static bool watching; /* this process has TLS listeners */

void tls_hook_set(struct tls_hook *hook)
{
	active = hook;
	watching = watching || hook;
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
		return 1; /* then nobody is trusted that we call */
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

static uint16_t port_of(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *in6 = (const void *)ss;
	const struct sockaddr_in *in = (const void *)ss;

	return ntohs(ss->ss_family == AF_INET6 ? in6->sin6_port : in->sin_port);
}

static void note_peer(const SSL *ssl, const X509 *cert)
{
	struct sockaddr_storage peer = { 0 }, local = { 0 };
	socklen_t peer_len = sizeof(peer), local_len = sizeof(local);
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int fd = SSL_get_fd(ssl);

	if (getpeername(fd, (void *)&peer, &peer_len) < 0 ||
	    getsockname(fd, (void *)&local, &local_len) < 0)
		return;
	if (!cert || SSL_get_verify_result(ssl) != X509_V_OK ||
	    X509_digest(cert, EVP_sha256(), hash, &len) != 1 ||
	    len != TLS_PEERS_HASH)
		len = 0;
	tls_peers_put(&peer, port_of(&local), len ? hash : NULL);
}

/* Whom we call must be who was meant: an authority of tls_ca says that the
 * certificate is that address's. Sofia leaves it to the listener's setting,
 * which is about clients. */
int SSL_connect(SSL *ssl)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in6 *in6 = (void *)&ss;
	struct sockaddr_in *in = (void *)&ss;
	socklen_t len = sizeof(ss);
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	int named = 0, r;
	long check;

	if (!watching)
		return REAL(SSL_connect)(ssl);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	if (getpeername(SSL_get_fd(ssl), (void *)&ss, &len) == 0 &&
	    ss.ss_family == AF_INET6)
		named = X509_VERIFY_PARAM_set1_ip(param,
						  (void *)&in6->sin6_addr, 16);
	else if (ss.ss_family == AF_INET)
		named = X509_VERIFY_PARAM_set1_ip(param, (void *)&in->sin_addr,
						  4);
	else if (errno == ENOTCONN)
		named = 1; /* nothing can come yet; called again */
	r = named ? REAL(SSL_connect)(ssl) : -1;
	check = SSL_get_verify_result(ssl);
	if (r <= 0 && check != X509_V_OK)
		log_warn(NULL, "sip.tls_callee_refused",
			 LOG_S("why", X509_verify_cert_error_string(check)));
	return r;
}

/* Whose data came last. */
static SSL *reader;

int SSL_read(SSL *ssl, void *buf, int num)
{
	static __typeof__(&SSL_read) real;
	int n;

	if (!real)
		real = REAL(SSL_read);
	n = real(ssl, buf, num);
	reader = n > 0 ? ssl : NULL;
	return n;
}

/* A write that has to wait would have to be repeated before any other: only
 * where there is room. */
void tls_hook_pong(void)
{
	struct pollfd p = { .fd = reader ? SSL_get_fd(reader) : -1,
			    .events = POLLOUT };

	if (reader && poll(&p, 1, 0) == 1 && p.revents == POLLOUT)
		(void)SSL_write(reader, "\r\n", 2); /* or it asks again */
}

/* Sofia asks for it once, when a handshake is through. */
X509 *SSL_get1_peer_certificate(const SSL *ssl)
{
	X509 *cert = REAL(SSL_get1_peer_certificate)(ssl);

	if (watching && SSL_is_server(ssl))
		note_peer(ssl, cert);
	return cert;
}
