/* The peer of bench_sip.py: a UAS on bare nta that answers every INVITE with
 * the same SDP and every BYE with 200. No parsing of bodies, no token, no
 * catalog, no media: what Sofia alone costs.
 *
 *	peer_nta PORT	(UDP, 127.0.0.1); prints "ready", ends with SIGTERM
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic push /* its headers, not ours */
#pragma GCC diagnostic ignored "-Wundef"
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_stateless.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/su_wait.h>
#pragma GCC diagnostic pop

static const char answer[] = "v=0\r\n"
			     "o=peer 1 1 IN IP4 127.0.0.1\r\n"
			     "s=-\r\n"
			     "c=IN IP4 127.0.0.1\r\n"
			     "t=0 0\r\n"
			     "m=audio 40000 RTP/AVP 0\r\n"
			     "a=recvonly\r\n"
			     "a=label:1\r\n"
			     "m=audio 40002 RTP/AVP 0\r\n"
			     "a=recvonly\r\n"
			     "a=label:2\r\n";

static char contact[96];
static nta_agent_t *agent;

struct nta_leg_magic_s {
	int unused;
};

static int on_dialog(nta_leg_magic_t *m, nta_leg_t *leg, nta_incoming_t *irq,
		     sip_t const *sip)
{
	(void)m;
	if (sip->sip_request->rq_method == sip_method_ack) {
		nta_incoming_destroy(irq);
		return 0;
	}
	nta_incoming_treply(irq, 200, "OK", TAG_END());
	nta_incoming_destroy(irq);
	if (sip->sip_request->rq_method == sip_method_bye)
		nta_leg_destroy(leg);
	return 0;
}

static int on_request(nta_leg_magic_t *m, nta_leg_t *leg, nta_incoming_t *irq,
		      sip_t const *sip)
{
	nta_leg_t *dialog;

	(void)leg;
	if (sip->sip_request->rq_method != sip_method_invite)
		return 405;
	dialog = nta_leg_tcreate(
		agent, on_dialog, m, SIPTAG_CALL_ID(sip->sip_call_id),
		SIPTAG_FROM(sip->sip_to), SIPTAG_TO(sip->sip_from),
		NTATAG_REMOTE_CSEQ(sip->sip_cseq->cs_seq), TAG_END());
	if (!dialog)
		return 500;
	nta_leg_tag(dialog, NULL);
	nta_leg_server_route(dialog, sip->sip_record_route, sip->sip_contact);
	nta_incoming_tag(irq, nta_leg_get_tag(dialog));
	nta_incoming_treply(irq, 100, "Trying", TAG_END());
	nta_incoming_treply(irq, 200, "OK", SIPTAG_CONTACT_STR(contact),
			    SIPTAG_CONTENT_TYPE_STR("application/sdp"),
			    SIPTAG_PAYLOAD_STR(answer), TAG_END());
	nta_incoming_destroy(irq);
	return 0;
}

int main(int argc, char **argv)
{
	static struct nta_leg_magic_s magic;
	su_root_t *root;
	char url[96];

	if (argc != 2)
		return 2;
	snprintf(url, sizeof(url), "sip:127.0.0.1:%s;transport=udp", argv[1]);
	snprintf(contact, sizeof(contact), "<sip:127.0.0.1:%s>;+sip.srs",
		 argv[1]);
	signal(SIGTERM, SIG_DFL);
	su_init();
	root = su_root_create(NULL);
	agent = nta_agent_create(root, (url_string_t *)url, NULL, NULL,
				 NTATAG_UA(1), TAG_END());
	if (!agent || !nta_leg_tcreate(agent, on_request, &magic,
				       NTATAG_NO_DIALOG(1), TAG_END()))
		return 1;
	puts("ready");
	fflush(stdout);
	su_root_run(root);
	return 0;
}
