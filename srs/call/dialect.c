#include "srs/call/dialect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "srs/siprec/metadata.h"

#define NS_DRAFT "urn:ietf:params:xml:ns:recording"
#define RS_METADATA "application/rs-metadata"
#define RS_METADATA_XML "application/rs-metadata+xml"
#define SESSION_PART "Content-Disposition: recording-session\r\n"
#define TEXT_MAX 65000

static const struct call_dialect dialects[] = {
	{
		.name = "rfc",
		.agent = "srs-call/" SRS_VERSION,
		.require = "siprec",
		.supported = "timer",
		.headers = "",
		.type = "multipart/mixed;boundary=srs-call-part",
		.boundary = "srs-call-part",
		.closed = true,
		.metadata_type = RS_METADATA,
		.part_headers = SESSION_PART,
		.origin = "srs",
		.label_first = 1,
		.label_step = 1,
		.extension = "",
	},
	{
		.name = "avaya",
		.agent = "Avaya-SBC/8.1.3",
		.require = "siprec",
		.supported = "timer",
		.headers = "User-to-User: 00FA08$;encoding=hex\r\n"
			   "P-Location: SM;origlp=\"Site A\";"
			   "termlp=\"Site B\"\r\n",
		.contact = DIALECT_INSIDE,
		.type = "multipart/mixed; boundary=\"avaya-boundary-23\"",
		.boundary = "avaya-boundary-23",
		.closed = true,
		.metadata_type = RS_METADATA_XML,
		.part_headers = SESSION_PART,
		.origin = "-",
		.label_first = 16777227,
		.label_step = 1,
		.extension = "",
		.mixed = true,
	},
	{
		.name = "broadworks",
		.agent = "BroadWorks",
		.headers = "Supported: \r\n"
			   "Recv-Info: \r\n"
			   "Proxy-Require: privacy\r\n"
			   "X-BroadWorks-Correlation-Info: $\r\n",
		.contact = DIALECT_SRC,
		.type = "multipart/mixed;boundary=UniqueBroadWorksBoundary",
		.boundary = "UniqueBroadWorksBoundary",
		.closed = true,
		.metadata_type = RS_METADATA,
		.part_headers = "",
		.origin = "BroadWorks",
		.label_first = 10,
		.label_step = 10,
		.model = DIALECT_DRAFT,
		.extension =
			"<extensiondata xmlns:bw=\"urn:broadworks:recording\">"
			"<bw:callType>originating</bw:callType>"
			"<bw:serviceProviderID>acme</bw:serviceProviderID>"
			"</extensiondata>\r\n",
		.hold = DIALECT_ZERO_ADDRESS,
	},
	{
		.name = "cisco-cube",
		.agent = "Cisco-SIPGateway/IOS-17.9",
		.require = "100rel, siprec",
		.supported = "timer,resource-priority,replaces,sdp-anat",
		.headers = "Cisco-Guid: 2877411328-0000065536-$\r\n"
			   "Session-ID: $;"
			   "remote=00000000000000000000000000000000\r\n",
		.type = "multipart/mixed;boundary=uniqueBoundary",
		.boundary = "uniqueBoundary",
		.metadata_type = RS_METADATA_XML,
		.part_headers = "Content-Disposition: recording-session;"
				"handling=required\r\n",
		.origin = "CiscoSystemsSIP-GW-UserAgent",
		.label_first = 1,
		.label_step = 1,
		.extension = "",
		.inactive_first = true,
	},
	{
		.name = "cucm",
		.agent = "Cisco-CUCM14.0",
		.supported = "timer,resource-priority,replaces",
		.headers = "Cisco-Guid: 1186357120-0000065536-$\r\n",
		.contact = DIALECT_PLAIN,
		.type = "",
		.boundary = "",
		.metadata_type = "",
		.part_headers = "",
		.origin = "CiscoSystemsCCM-SIP",
		.label_first = 1,
		.label_step = 1,
		.extension = "",
		.two_ends = true,
	},
	{
		.name = "metaswitch",
		.agent = "Perimeta/4.9",
		.require = "siprec",
		.supported = "timer",
		.headers = "",
		.type = "multipart/mixed;boundary=boundary-4a7f",
		.boundary = "boundary-4a7f",
		.closed = true,
		.metadata_type = RS_METADATA_XML,
		.part_headers = SESSION_PART,
		.origin = "MSCN",
		.label_first = 0,
		.label_step = 1,
		.extension = "<extensiondata xmlns:ms=\"http://www.metaswitch."
			     "com/siprec\"><ms:enterpriseId>acme"
			     "</ms:enterpriseId></extensiondata>\r\n",
		.hold = DIALECT_ZERO_ADDRESS,
		.mixed = true,
	},
	{
		.name = "netsapiens",
		.agent = "NetSapiens SiPBx 44",
		.require = "siprec",
		.headers = "",
		.type = "multipart/mixed;boundary=foobar",
		.boundary = "foobar",
		.closed = true,
		.metadata_type = RS_METADATA_XML,
		.part_headers = SESSION_PART,
		.origin = "-",
		.label_first = 1,
		.label_step = 1,
		.extension = "<extensiondata xmlns:ns=\"http://www.netsapiens."
			     "com/siprec\"><ns:domain>acme.example</ns:domain>"
			     "</extensiondata>\r\n",
		.restarts = true,
	},
	{
		.name = "opensips",
		.agent = "OpenSIPS (3.4.5)",
		.require = "siprec",
		.headers = "",
		.type = "multipart/mixed;boundary=OSS-unique-boundary-42",
		.boundary = "OSS-unique-boundary-42",
		.closed = true,
		.metadata_type = RS_METADATA_XML,
		.part_headers = SESSION_PART,
		.origin = "-",
		.label_first = 1,
		.label_step = 1,
		.model = DIALECT_NO_LINKS,
		.extension = "",
	},
	{
		.name = "oracle",
		.agent = "Acme Packet SBC",
		.require = "siprec",
		.supported = "timer",
		.headers = "",
		.type = "multipart/mixed; boundary=unique-boundary-1",
		.boundary = "unique-boundary-1",
		.closed = true,
		.metadata_type = RS_METADATA_XML,
		.part_headers = SESSION_PART,
		.origin = "-",
		.label_first = 65804,
		.label_step = 1,
		/* the attribute without quotes is theirs */
		.extension =
			"<extensiondata xmlns:apkt=\"http://acmepacket.com/"
			"siprec/extensiondata\"><apkt:ucid id=0>"
			"00FA080018803B69810C6D</apkt:ucid>"
			"<apkt:realm>access&egress</apkt:realm>"
			"</extensiondata>\r\n",
	},
	{
		.name = "sonus",
		.agent = "SBC5400",
		.require = "siprec",
		.supported = "timer",
		.headers = "",
		.type = "multipart/mixed;boundary=sonus-content-delim",
		.boundary = "sonus-content-delim",
		.metadata_type = RS_METADATA_XML,
		.part_headers = SESSION_PART,
		.origin = "Sonus_UAC",
		.label_first = 1,
		.label_step = 1,
		.model = DIALECT_INVERTED,
		.extension = "",
	},
	{
		.name = "webex",
		.agent = "Cisco-WebexCalling",
		.headers = "Supported: \r\n"
			   "X-BroadWorks-Correlation-Info: $\r\n",
		.contact = DIALECT_SRC,
		.type = "multipart/mixed;boundary=UniqueBroadWorksBoundary",
		.boundary = "UniqueBroadWorksBoundary",
		.closed = true,
		.metadata_type = RS_METADATA,
		.part_headers = "",
		.origin = "BroadWorks",
		.label_first = 1,
		.label_step = 1,
		.extension = "",
	},
	{
		.name = "jambonz",
		.agent = "jambonz sbc-inbound",
		.require = "siprec",
		.headers = "X-Account-ID: "
			   "ed649e33-e771-403a-8c99-1780eabbc803\r\n"
			   "X-Call-Sid: $\r\n",
		.type = "multipart/mixed;boundary=uniqueBoundary",
		.boundary = "uniqueBoundary",
		.closed = true,
		.metadata_type = RS_METADATA_XML,
		.part_headers = SESSION_PART,
		.origin = "-",
		.label_first = 1,
		.label_step = 1,
		/* the callee as calling, the caller as called: theirs */
		.extension =
			"<extensiondata xmlns:jb=\"http://jambonz.org/siprec\">"
			"<jb:callsid>b3c4d5e6</jb:callsid>"
			"<jb:direction>inbound</jb:direction>"
			"<jb:callingnumber>$2</jb:callingnumber>"
			"<jb:callednumber>$1</jb:callednumber>"
			"</extensiondata>\r\n",
	},
	{
		.name = "genesys",
		.agent = "PureCloud Edge",
		.require = "siprec",
		.supported = "timer",
		.headers = "X-Genesys-CallUUID: $\r\n",
		.type = "multipart/mixed;boundary=gvp-boundary",
		.boundary = "gvp-boundary",
		.closed = true,
		.metadata_first = true,
		.metadata_type = RS_METADATA_XML,
		.part_headers = SESSION_PART,
		.origin = "-",
		.label_first = 1,
		.label_step = 1,
		.extension = "<extensiondata xmlns:gn=\"http://www.genesys.com/"
			     "siprec\"><gn:agentId>agent-7</gn:agentId>"
			     "<gn:tenant>acme</gn:tenant></extensiondata>\r\n",
	},
};

const struct call_dialect *dialect_find(const char *name)
{
	if (!name)
		return &dialects[0];
	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++) {
		if (str_ieq(name, dialects[i].name))
			return &dialects[i];
	}
	return NULL;
}

void dialect_names(char *dst, size_t dst_len)
{
	size_t used = 0;

	*dst = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(dialects) && used < dst_len; i++) {
		int n = snprintf(dst + used, dst_len - used, "%s%s",
				 i ? "|" : "", dialects[i].name);

		used += (size_t)n;
	}
}

void dialect_headers(const struct call_dialect *d, const char *id, char *dst,
		     size_t dst_len)
{
	size_t used = 0;

	for (const char *s = d->headers; *s && used + 1 < dst_len; s++) {
		if (*s != '$') {
			dst[used++] = *s;
			continue;
		}
		(void)str_copy(dst + used, dst_len - used, id);
		used += strlen(dst + used);
	}
	dst[used] = '\0';
}

void dialect_label(const struct call_dialect *d, unsigned i, char *dst,
		   size_t dst_len)
{
	(void)snprintf(dst, dst_len, "%u", d->label_first + i * d->label_step);
}

/* ---- metadata ---- */

static void put_xml(struct buf *out, const char *s)
{
	for (; s && *s; s++) {
		if (*s == '&')
			buf_puts(out, "&amp;");
		else if (*s == '<')
			buf_puts(out, "&lt;");
		else if (*s == '"')
			buf_puts(out, "&quot;");
		else
			buf_putc(out, *s);
	}
}

static void put_element(struct buf *out, const char *name, const char *text)
{
	if (!text)
		return;
	buf_printf(out, "<%s>", name);
	put_xml(out, text);
	buf_printf(out, "</%s>", name);
}

/* "$1" is the first party's address, "$2" the second's. */
static void put_extension(const struct call_dialect *d,
			  const struct metadata *md, struct buf *out)
{
	for (const char *s = d->extension; *s; s++) {
		unsigned n = s[0] == '$' ? (unsigned)(s[1] - '1') : 9;

		if (n > 1) {
			buf_putc(out, *s);
			continue;
		}
		if (n < md->n_participants && md->participants[n].n_aors)
			put_xml(out, md->participants[n].aors[0]);
		s++;
	}
}

static void put_draft_participant(const struct metadata *md, unsigned n,
				  struct buf *out)
{
	const struct md_participant *p = &md->participants[n];
	const char *session = md->n_sessions ? md->sessions[0].id : "";

	buf_puts(out, "<participant id=\"");
	put_xml(out, p->id);
	buf_puts(out, "\" session=\"");
	put_xml(out, session);
	buf_puts(out, "\">");
	for (unsigned i = 0; i < p->n_aors; i++)
		put_element(out, "aor", p->aors[i]);
	put_element(out, "name", p->name);
	for (unsigned i = 0; i < md->n_links; i++) {
		const struct md_link *l = &md->links[i];

		if (!str_eq(l->a, p->id))
			continue;
		if (l->kind == MD_SEND)
			put_element(out, "send", l->b);
		if (l->kind == MD_PARTICIPANT_SESSION)
			put_element(out, "disassociate-time", l->stop);
	}
	buf_puts(out, "</participant>\r\n");
}

/* The model of the drafts before RFC 7865. */
static void print_draft(const struct call_dialect *d, const struct metadata *md,
			struct buf *out)
{
	buf_printf(out,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		   "<recording xmlns=\"" NS_DRAFT "\">\r\n"
		   "<dataMode>%s</dataMode>\r\n",
		   md->mode == MD_PARTIAL ? "partial" : "complete");
	for (unsigned i = 0; i < md->n_sessions; i++) {
		buf_puts(out, "<session id=\"");
		put_xml(out, md->sessions[i].id);
		buf_puts(out, "\">");
		put_element(out, "start-time", md->sessions[i].start);
		buf_puts(out, "</session>\r\n");
	}
	for (unsigned i = 0; i < md->n_participants; i++)
		put_draft_participant(md, i, out);
	for (unsigned i = 0; i < md->n_streams; i++) {
		buf_puts(out, "<stream id=\"");
		put_xml(out, md->streams[i].id);
		buf_puts(out, "\">");
		put_element(out, "label", md->streams[i].label);
		buf_puts(out, "</stream>\r\n");
	}
	put_extension(d, md, out);
	buf_puts(out, "</recording>\r\n");
}

/* RFC 7865 text with the dialect's namespace and extension. */
static int print_rfc(const struct call_dialect *d, const struct metadata *md,
		     struct buf *out)
{
	static const char end[] = "</recording>";
	struct buf text CLEANUP(buf_fini) = { 0 };
	const char *s, *tail;
	int r;

	buf_init(&text, TEXT_MAX);
	r = metadata_print(md, &text);
	if (r < 0)
		return r;
	s = buf_str(&text);
	tail = strstr(s, end);
	if (!tail)
		return -EINVAL;
	buf_put(out, s, (size_t)(tail - s));
	put_extension(d, md, out);
	return buf_puts(out, tail);
}

int dialect_print(const struct call_dialect *d, const struct metadata *md,
		  struct buf *out)
{
	if (d->model != DIALECT_DRAFT)
		return print_rfc(d, md, out);
	print_draft(d, md, out);
	return buf_error(out);
}
