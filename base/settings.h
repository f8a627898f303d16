/* base/settings.h - every setting of the server, as one plain struct.
 *
 * The table in settings.c (section, key, default, limits, comment) is the only
 * place where keys are written down; srs.conf.example is printed from it.
 * Loaded once by the supervisor, inherited by the roles, never changed by them;
 * SIGHUP reloads the keys marked "reload" (settings_apply_reload).
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_report;
struct err;
struct buf;

#define SETTINGS_NETS_MAX 1024
#define SETTINGS_PATH_MAX 512

enum settings_tls_verify {
	TLS_VERIFY_NONE,
	TLS_VERIFY_OPTIONAL,
	TLS_VERIFY_REQUIRED
};

enum settings_recordpref { RECORDPREF_NOTE, RECORDPREF_HONOUR };
enum settings_duplicates { DUPLICATES_ONCE, DUPLICATES_LINK };
enum settings_dtmf { DTMF_RECORD, DTMF_MUTE };

struct settings {
	struct {
		char data_dir[SETTINGS_PATH_MAX]; /* required */
		char name[256];	  /* realm and host name, "localhost" */
		char region[33];  /* "eu-west"; "" = not said */
		int64_t drain_us; /* SIGTERM: running calls may finish, 30s */
		uint64_t disk_low_bytes; /* below: 503 for new calls, 512M */
	} server;
	struct {
		int level;  /* enum log_level */
		int format; /* enum log_format */
	} log;
	struct {
		char listen[1024]; /* "udp:127.0.0.1:5060, tcp:[::1]:5060,
				    * tls:0.0.0.0:5061"; port 0 = free port */
		char tls_certificate[SETTINGS_PATH_MAX]; /* PEM chain */
		char tls_key[SETTINGS_PATH_MAX];
		char tls_ca[SETTINGS_PATH_MAX]; /* for client certificates */
		int tls_verify;			/* enum settings_tls_verify */
		int allow_cleartext_tokens; /* 0 auto (loopback only), 1 yes,
					     * 2 no */
		int64_t max_calls;	    /* 503 beyond, 2000 */
		int64_t session_expires_s;  /* RFC 4028, 1800 */
		int64_t min_se_s;	    /* 90 */
		int64_t t1_us;		    /* RFC 3261, 500ms */
		int64_t media_timeout_us;   /* no RTP and no signalling: ended,
					     * 120s */
		int64_t missing_metadata_wait_us; /* on_missing_metadata, 5s */
		int on_missing_metadata;	  /* 0 wait, 1 refuse */
		bool allow_address_trunks; /* a source address may stand for a
					    * token, no */
		char trunks_file[SETTINGS_PATH_MAX]; /* "" = none */
		int recordpref;	   /* enum settings_recordpref; note */
		char dial_to[512]; /* addresses that calls of ours may go to;
				    * "" = none, "*" = any */
		char nodes[512]; /* whom sessions may be handed to, "" = none */
		int64_t dial_timeout_us; /* such a call may ring, 60s */
	} sip;
	struct {
		/* what makes several recordings one call */
		bool group_id, session_id, sip_session_id, refci, correlation,
			replaces;
		int64_t window_us; /* after the end of a call, 2m */
		int duplicates;	   /* enum settings_duplicates; once */
	} stitch;
	struct {
		char address[64]; /* IPv4 or IPv6 in SDP and to bind */
		int64_t port_min, port_max; /* from "20000-21999" */
		char ports[32];
		int64_t tick_us; /* drain interval, 100ms */
		int dtmf;	 /* enum settings_dtmf; record */
		int srtp;	 /* as enum answer_srtp; preferred */
	} media;
	struct {
		int64_t commit_interval_us; /* 1s */
	} spool;
	struct {
		int64_t workers;    /* 1 */
		int64_t complexity; /* libopus 0..10 */
	} render;
	struct {
		char listen[256];     /* "127.0.0.1:8080"; port 0 = free port */
		char public_url[256]; /* issuer; "" = http://listen */
		char tls_certificate[SETTINGS_PATH_MAX];
		char tls_key[SETTINGS_PATH_MAX];
		int64_t threads;			 /* 4 */
		char trusted_proxies[SETTINGS_NETS_MAX]; /* addresses, nets */
		char metrics_from[SETTINGS_NETS_MAX];
	} http;
	struct {
		/* words for number_plan_set() (base/number.h) */
		char country[8];	      /* "" = not known */
		char national_prefix[8];      /* auto */
		char international_prefix[8]; /* auto */
	} numbers;
	struct {
		int64_t access_token_us;  /* 10m */
		int64_t refresh_idle_us;  /* 90d */
		int64_t code_us;	  /* 60s */
		int64_t refresh_grace_us; /* 30s */
	} oauth;
	struct {
		bool enabled; /* seccomp, Landlock, rlimits; yes */
	} sandbox;
};

/** Load path (NULL: defaults and environment only). 0 or -errno with e set. */
int settings_load(const char *path, struct settings *ret_s, struct err *e);

/**
 * The same, but every mistake is told to rep, not the first alone.
 *
 * @param rep   changed
 * @param ret_s filled also where mistakes were told: with the defaults there
 * @return 0, -EINVAL (mistakes were told), -errno of the file with e set
 */
int settings_check(const char *path, struct conf_report *rep,
		   struct settings *ret_s, struct err *e);

/** SIGHUP: take the keys marked "reload" from fresh, leave the others. */
void settings_apply_reload(struct settings *s, const struct settings *fresh);

/** The text of srs.conf.example. */
int settings_example(struct buf *out);

/** Paths below data_dir, made by settings_make_dirs():
 *  catalog.db, spool/, media/ (finished files), keys/ */
int settings_path(const struct settings *s, const char *rel, char *dst,
		  size_t dst_len);
int settings_make_dirs(const struct settings *s, struct err *e);

#endif
