/* srs/sip/tls_hooks.h - our own TLS settings for Sofia's listeners.
 *
 * Sofia has no tag for a certificate chain, a separate key file, the lowest
 * protocol version or "ask for a client certificate but do not insist". While
 * a hook is set, its calls to OpenSSL that set up a context are replaced by
 * ours (the functions are defined in tls_hooks.c and win over the library's);
 * at any other time they pass through. Single-threaded use, at start only.
 * From then on clients' certificates are noted in srs/sip/tls_peers.h.
 */
#ifndef SRS_SIP_TLS_HOOKS_H
#define SRS_SIP_TLS_HOOKS_H

struct tls_hook {
	const char *certificate; /* PEM file: certificate, then its chain */
	const char *key;	 /* PEM file */
	const char *ca;		 /* PEM file, "" = none */
	int verify;		 /* 0 none, 1 optional, 2 required */
	char error[256];	 /* out: "" or what failed */
};

/** @param hook NULL: pass through again; borrowed until then */
void tls_hook_set(struct tls_hook *hook);

/** CRLF to the connection whose data was read last: to be called while that is
 *  looked at. */
void tls_hook_pong(void);

#endif
