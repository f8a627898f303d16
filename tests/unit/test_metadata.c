/* Dialects of recording metadata, as they come from products. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/sdp.h"
#include "srs/siprec/warn.h"

#define NS "urn:ietf:params:xml:ns:recording:1"

#define RFC_DOC                                                                \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"                       \
	"<recording xmlns='" NS "'><datamode>complete</datamode>"              \
	"<group group_id=\"g1\"><associate-time>2010-12-16T23:41:07Z"          \
	"</associate-time></group>"                                            \
	"<session session_id=\"s1\"><sipSessionID>ab30317f1a784dc48ff824d0d37" \
	"15d86;remote=47755a9de7794ba387653f2099600ef2</sipSessionID>"         \
	"<group-ref>g1</group-ref><start-time>2010-12-16T23:41:07Z"            \
	"</start-time></session>"                                              \
	"<participant participant_id=\"p1\"><nameID "                          \
	"aor=\"sip:bob@biloxi.com\""                                           \
	"><name xml:lang=\"it\">Bob</name></nameID></participant>"             \
	"<participant participant_id=\"p2\"><nameID "                          \
	"aor=\"sip:Paul@biloxi.com\"><name>Paul &amp; Co</name></nameID>"      \
	"</participant>"                                                       \
	"<stream stream_id=\"t1\" "                                            \
	"session_id=\"s1\"><label>96</label></stream>"                         \
	"<stream stream_id=\"t2\" "                                            \
	"session_id=\"s1\"><label>97</label></stream>"                         \
	"<sessionrecordingassoc session_id=\"s1\"><associate-time>x"           \
	"</associate-time></sessionrecordingassoc>"                            \
	"<participantsessionassoc participant_id=\"p1\" session_id=\"s1\">"    \
	"<associate-time>2010-12-16T23:41:07Z</associate-time>"                \
	"</participantsessionassoc>"                                           \
	"<participantsessionassoc participant_id=\"p2\" session_id=\"s1\"/>"   \
	"<participantstreamassoc participant_id=\"p1\"><send>t1</send>"        \
	"<recv>t2</recv></participantstreamassoc>"                             \
	"<participantstreamassoc participant_id=\"p2\"><send>t2</send>"        \
	"<recv>t1</recv></participantstreamassoc></recording>"

static struct metadata *parse(const char *xml, struct warn_list *wl)
{
	struct metadata *md = NULL;

	assert_int_equal(metadata_parse(span_of(xml), wl, &md), 0);
	return md;
}

/* "aor/name" of everybody, in order */
static void check_people(const struct metadata *md, const char *want)
{
	struct buf got CLEANUP(buf_fini) = { 0 };

	buf_init(&got, 65536);
	for (unsigned i = 0; i < md->n_participants; i++) {
		const struct md_participant *p = &md->participants[i];

		buf_printf(&got, "%s%s%s/%s", i ? " " : "", p->left ? "-" : "",
			   p->n_aors ? p->aors[0] : "", p->name ? p->name : "");
	}
	assert_string_equal(buf_str(&got), want);
}

static void the_rfc_model_is_read_whole(void **state)
{
	struct warn_list wl = { 0 };
	struct metadata *md CLEANUP(metadata_destroy) = parse(RFC_DOC, &wl);

	(void)state;
	assert_int_equal(wl.n, 0);
	assert_int_equal(md->mode, MD_COMPLETE);
	check_people(md, "sip:bob@biloxi.com/Bob "
			 "sip:Paul@biloxi.com/Paul & Co");
	assert_int_equal(md->n_groups, 1);
	assert_string_equal(md->groups[0].start, "2010-12-16T23:41:07Z");
	assert_int_equal(md->n_sessions, 1);
	assert_string_equal(md->sessions[0].group_id, "g1");
	assert_true(strlen(md->sessions[0].sip_session_id) > 60);
	assert_int_equal(md->n_streams, 2);
	assert_string_equal(md->streams[1].label, "97");
	assert_int_equal(md->n_links, 1 + 2 + 4);
	assert_int_equal(md->n_extras, 0);
	assert_false(md->repaired);
}

static const struct {
	const char *name;
	const char *xml;
	const char *people;
	unsigned n_streams;
	const char *warning; /* NULL = none at all */
} dialects[] = {
	{ "older: inline send, aor element, dataMode",
	  "<recording xmlns='urn:ietf:params:xml:ns:recording'>"
	  "<dataMode>Complete</dataMode><session id='s'/>"
	  "<participant id='a' session='s'><aor>sip:a@h</aor><name>A</name>"
	  "<send>x</send></participant>"
	  "<participant id='b' session='s'><aor>b@h</aor><send>y</send>"
	  "</participant><stream id='x' session='s'><label>0</label></stream>"
	  "<stream id='y' session='s'><label>1</label></stream></recording>",
	  "sip:a@h/A sip:b@h/", 2, NULL },
	{ "prefixed, other namespace, other root",
	  "<tns:recording_metadata xmlns:tns='urn:x:siprec'><tns:participant "
	  "participant_id='p'><tns:nameID aor='+441632960083'><tns:name>"
	  "\"Alice\"</tns:name></tns:nameID></tns:participant><tns:stream "
	  "stream_id='s'><tns:label>1</tns:label></tns:stream>"
	  "</tns:recording_metadata>",
	  "tel:+441632960083/Alice", 1, NULL },
	{ "undeclared prefix, dashed root",
	  "<x:recording-metadata><x:participant id='p'><nameID aor='1001'/>"
	  "</x:participant><stream id='s'/></x:recording-metadata>",
	  "sip:1001/", 1, NULL },
	{ "bare ampersand",
	  "<recording><participant id='p'><nameID aor='sip:a@h?x=1&y=2'>"
	  "<name>Smith & Sons &nbsp; &amp;</name></nameID></participant>"
	  "<stream id='s'/></recording>",
	  "sip:a@h?x=1&y=2/Smith & Sons &nbsp; &", 1, "metadata.repaired" },
	{ "unquoted attributes",
	  "<?xml version='1.0'?><recording><participant id=p session=s/>"
	  "<participant id=q><nameID aor=sip:q@h></nameID></participant>"
	  "<stream id=s></stream></recording>",
	  "/ sip:q@h/", 1, "metadata.repaired" },
	{ "raw Call-ID in an element",
	  "<recording><session id='s'><sipSessionID>1<2@h</sipSessionID>"
	  "<x>abc<def@host></x><y><foo></y></session><participant id='p'>"
	  "<nameID aor='sip:a@h'/></participant><stream id='s'/></recording>",
	  "sip:a@h/", 1, "metadata.repaired" },
	{ "a name with brackets",
	  "<recording><participant id='p'><nameID aor='sip:a@h'><name>\"Joe "
	  "<boss>\"</name></nameID></participant><participant id='q'><nameID "
	  "aor='sip:b@h'><name>Ann <sip:1001> & <x y></name></nameID>"
	  "</participant><stream id='s'/></recording>",
	  "sip:a@h/Joe <boss> sip:b@h/Ann <sip:1001> & <x y>", 1,
	  "metadata.repaired" },
	{ "cut off",
	  "<recording><participant id='p'><nameID aor='sip:a@h'><name>A"
	  "</name></nameID></participant><participant id='q'><nameID aor='si",
	  "sip:a@h/A /", 0, "metadata.repaired" },
	{ "crossed end tags and rubbish behind",
	  "<recording><participant id='p'><nameID aor='sip:a@h'></participant>"
	  "</nameID><stream id='s'></recording></recording>--trailing",
	  "sip:a@h/", 1, "metadata.repaired" },
	{ "Latin-1 without saying so",
	  "<recording><participant id='p'><nameID aor='sip:a@h'><name>Ren\xe9"
	  "</name></nameID></participant><stream id='s'/></recording>",
	  "sip:a@h/Ren\xc3\xa9", 1, "metadata.repaired" },
	{ "AoR forms",
	  "<recording><participant id='1'><nameID aor='&quot;A&quot; "
	  "&lt;sip:a@h;user=phone&gt;'/></participant><participant id='2'>"
	  "<nameID aor='sip:1001@'/></participant><participant id='3'><nameID "
	  "aor='sip:'/></participant><participant id='4'><nameID "
	  "aor='sip:h.example'><name>  </name></nameID></participant>"
	  "<stream id='s'/></recording>",
	  "sip:a@h;user=phone/A sip:1001/ / sip:h.example/", 1, NULL },
	{ "quotes inside attributes",
	  "<recording><participant id='1'><nameID aor=\"\"Joe\" <sip:a@h>\">"
	  "</nameID></participant><participant id='2'><nameID aor=\"\"Ann "
	  "\"X\" Lee\"<sip:b@h;user=phone>\" name=\"Ann \"Boss\" Lee\"/>"
	  "</participant><participant id='3' x=\"1\" y z=\"2\"><nameID "
	  "name='O'Neil' aor='sip:c@h'/></participant><stream id=\"s\""
	  "session=\"q\"/></recording>",
	  "sip:a@h/Joe sip:b@h;user=phone/Ann \"Boss\" Lee sip:c@h/O'Neil", 1,
	  "metadata.repaired" },
	{ "markup in names",
	  "<recording><participant id='1'><nameID aor='sip:a@h'><name>Joe "
	  "<b>Boss</b> Jr</name></nameID></participant><participant id='2'>"
	  "<nameID aor='sip:b@h'><name>\n  <given>Ann</given>"
	  "<family>Lee</family>\n</name></nameID></participant>"
	  "<participant id='3'><nameID aor='sip:c@h'><name>\r\n Carol\n\t"
	  "King <![CDATA[& <Co>]]> &#x4e2d;&#233;&lt;x&gt;\n</name></nameID>"
	  "</participant><participant id='4'><nameID aor='sip:d@h'><name>"
	  "<value>Dan</value></name></nameID></participant>"
	  "<stream id='s'/></recording>",
	  "sip:a@h/Joe Boss Jr sip:b@h/Ann Lee sip:c@h/Carol King & <Co> "
	  "\u4e2d\u00e9<x> sip:d@h/Dan",
	  1, NULL },
	{ "the same with a fault",
	  "<recording><participant id='1'><nameID aor=sip:a@h><name>Joe "
	  "<b>Boss</b> & &#x4e2d;&#233;&#x1F600;&#0;&#xD800;&quot;"
	  "<![CDATA[<Co>&]]></name></nameID></participant>"
	  "<stream id='s'/></recording>",
	  "sip:a@h/Joe Boss & \u4e2d\u00e9\U0001F600&#0;&#xD800;\"<Co>&", 1,
	  "metadata.repaired" },
	{ "duplicate and missing ids",
	  "<recording><participant id='1'><nameID aor='sip:a@h'/>"
	  "</participant><participant id='1'><nameID aor='sip:b@h'/>"
	  "</participant><participant><nameID aor='sip:c@h'/></participant>"
	  "<stream id='s'/><stream id='s'/></recording>",
	  "sip:a@h/ sip:c@h/", 1, "metadata.duplicate_id" },
	{ "dangling association",
	  "<recording><participant id='1'><nameID aor='sip:a@h'/>"
	  "</participant><stream id='s'/><participantstreamassoc "
	  "participant_id='2'><send>nowhere</send></participantstreamassoc>"
	  "</recording>",
	  "sip:a@h/", 1, "metadata.dangling_id" },
	{ "no streams",
	  "<recording><participant id='1'><nameID aor='sip:a@h'/>"
	  "</participant></recording>",
	  "sip:a@h/", 0, "metadata.no_streams" },
	{ "nothing", "<recording/>", "", 0, "metadata.no_participants" },
	{ "children inside the session",
	  "<recording><session id='s'><participants><participant id='1'>"
	  "<name>A</name><stream id='x'><label>1</label></stream>"
	  "</participant></participants></session></recording>",
	  "/A", 1, NULL },
	{ "byte order mark and comment",
	  "\xef\xbb\xbf\r\n<!-- x --><recording><participant id='1'>"
	  "<name><![CDATA[A & B]]></name></participant><stream id='s'/>"
	  "</recording>",
	  "/A & B", 1, NULL },
};

static void every_dialect_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++) {
		struct warn_list wl = { 0 };
		struct metadata *md CLEANUP(metadata_destroy) = NULL;

		print_message("%s\n", dialects[i].name);
		md = parse(dialects[i].xml, &wl);
		check_people(md, dialects[i].people);
		assert_int_equal(md->n_streams, dialects[i].n_streams);
		if (dialects[i].warning)
			assert_true(warn_has(&wl, dialects[i].warning));
		else
			assert_int_equal(wl.n, 0);
	}
}

/* The same two people, in which form ever ids and values come. */
static const struct {
	const char *name, *people, *streams;
} forms[] = {
	{ "BroadWorks, Webex: <send><id>",
	  "<participant id='a' session='s'><nameID aor='sip:a@h'><name>A</name>"
	  "</nameID><send><id>y</id></send><recv><id>x</id></recv>"
	  "</participant><participant id='b' session='s'><nameID "
	  "aor='sip:b@h'/><send><id>x</id></send><recv><id>y</id></recv>"
	  "</participant>",
	  "<stream id='x' session='s'><mode>separate</mode><label>1</label>"
	  "</stream><stream id='y' session='s'><label>2</label></stream>" },
	{ "text inside the participant",
	  "<participant id='a' session='s'><nameID aor='sip:a@h'><name>A</name>"
	  "</nameID><send> y </send><recv>x</recv></participant>"
	  "<participant id='b' session='s'><aor>sip:b@h</aor><send>x</send>"
	  "<recv>y</recv></participant>",
	  "<stream id='x' session='s'><label>1</label></stream>"
	  "<stream id='y' session='s'><label>2</label></stream>" },
	{ "attributes",
	  "<participant id='a' session='s'><nameID aor='sip:a@h' name='A'/>"
	  "<send id='y'/><recv id='x'/></participant><participant id='b' "
	  "session='s'><aor value='sip:b@h'/><send stream_id='x'/>"
	  "<recv stream='y'/></participant>",
	  "<stream id='x' session='s' label='1'/>"
	  "<stream id='y' session='s'><label value='2'/></stream>" },
	{ "everything nested",
	  "<participant><id>a</id><session><id>s</id></session><nameID>"
	  "<aor><value>sip:a@h</value></aor><name><value>A</value></name>"
	  "</nameID><send><stream id='y'/></send><recv><stream><id>x</id>"
	  "</stream></recv></participant><participant><participant_id>b"
	  "</participant_id><session_id>s</session_id><uri>sip:b@h</uri>"
	  "<send><stream_id>x</stream_id></send><recv><streamRef>y</streamRef>"
	  "</recv></participant>",
	  "<stream><id>x</id><session><id>s</id></session><label><value>1"
	  "</value></label></stream><stream><stream_id>y</stream_id>"
	  "<session_id>s</session_id><label id='2'/></stream>" },
	{ "associations with nested ids",
	  "<participant participant_id='a'><nameID><aor>sip:a@h</aor><name>A"
	  "</name></nameID></participant><participant participant_id='b'>"
	  "<nameID uri='sip:b@h'/></participant><participantsessionassoc>"
	  "<participant_id>a</participant_id><session_id>s</session_id>"
	  "</participantsessionassoc><participantsessionassoc>"
	  "<participant><id>b</id></participant><session id='s'/>"
	  "</participantsessionassoc><participantstreamassoc><participant "
	  "id='a'/><send><id>y</id></send><recv><id>x</id></recv>"
	  "</participantstreamassoc><participantstreamassoc><participant_id>b"
	  "</participant_id><send>x</send><recv>y</recv>"
	  "</participantstreamassoc>",
	  "<stream stream_id='x' session_id='s'><label>1</label></stream>"
	  "<stream stream_id='y' session_id='s'><label>2</label></stream>" },
};

static const char *const session_forms[] = {
	"<group id='g'/><session id='s'><group-ref>g</group-ref></session>",
	"<group><id>g</id></group><session><id>s</id><group-ref><id>g</id>"
	"</group-ref></session>",
	"<group id='g'/><session id='s' group='g'/>",
	"<group id='g'/><session session_id='s'><group id='g'/></session>",
	"<group group_id='g'/><session session_id='s'><group><id>g</id>"
	"</group></session>",
	"<group id='g'><session id='s'/></group>",
};

static void check_form(const char *session, const char *people,
		       const char *streams)
{
	static const struct {
		enum md_link_kind kind;
		const char *a, *b;
	} want[] = {
		{ MD_PARTICIPANT_SESSION, "a", "s" },
		{ MD_PARTICIPANT_SESSION, "b", "s" },
		{ MD_SEND, "a", "y" },
		{ MD_RECV, "a", "x" },
		{ MD_SEND, "b", "x" },
		{ MD_RECV, "b", "y" },
	};
	struct metadata *md CLEANUP(metadata_destroy) = NULL;
	struct buf xml CLEANUP(buf_fini) = { 0 };
	struct warn_list wl = { 0 };
	unsigned n_links = 0;

	buf_init(&xml, 8192);
	buf_printf(&xml,
		   "<recording xmlns='urn:ietf:params:xml:ns:recording'>"
		   "<dataMode>complete</dataMode>%s%s%s</recording>",
		   session, people, streams);
	md = parse(buf_str(&xml), &wl);
	assert_int_equal(wl.n, 0);
	check_people(md, "sip:a@h/A sip:b@h/");
	assert_int_equal(md->n_groups, 1);
	assert_string_equal(md->groups[0].id, "g");
	assert_int_equal(md->n_sessions, 1);
	assert_string_equal(md->sessions[0].group_id, "g");
	assert_int_equal(md->n_streams, 2);
	assert_string_equal(md->streams[0].label, "1");
	assert_string_equal(md->streams[1].label, "2");
	assert_string_equal(md->streams[1].session_id, "s");
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		for (unsigned k = 0; k < md->n_links; k++)
			n_links += md->links[k].kind == want[i].kind &&
				   !strcmp(md->links[k].a, want[i].a) &&
				   !strcmp(md->links[k].b, want[i].b);
	assert_int_equal(n_links, ARRAY_SIZE(want));
	assert_int_equal(md->n_links, ARRAY_SIZE(want));
	assert_int_equal(md->n_extras, 0);
}

static void ids_come_as_text_attribute_or_element(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		print_message("%s\n", forms[i].name);
		for (size_t k = 0; k < ARRAY_SIZE(session_forms); k++)
			check_form(session_forms[k], forms[i].people,
				   forms[i].streams);
	}
}

static void vendor_extensions_are_lifted(void **state)
{
	struct metadata *md CLEANUP(metadata_destroy) = parse(
		"<recording><participant id='1'><nameID aor='sip:a@h'/>"
		"<extensiondata xmlns:apkt='http://acmepacket.com/siprec/"
		"extensiondata'><apkt:callerOrig>true</apkt:callerOrig>"
		"</extensiondata></participant><stream id='s'/>"
		"<extensiondata><apkt:ucid>00FA080018803B69810C6D;encoding=hex"
		"</apkt:ucid><Tenant-ID>42</Tenant-ID><color>red</color>"
		"<agent id='7'><AgentName>Eve</AgentName></agent>"
		"<calledPartyNumber>+15551234</calledPartyNumber>"
		"</extensiondata></recording>",
		NULL);

	(void)state;
	assert_string_equal(metadata_extra(md, "caller"), "sip:a@h");
	assert_string_equal(metadata_extra(md, "callee"), "+15551234");
	assert_string_equal(metadata_extra(md, "ucid"),
			    "00FA080018803B69810C6D;encoding=hex");
	assert_string_equal(metadata_extra(md, "tenant"), "42");
	assert_string_equal(metadata_extra(md, "agent"), "Eve");
	assert_string_equal(metadata_extra(md, "ext.color"), "red");
	assert_null(metadata_extra(md, "nothing"));
}

static void who_called_is_what_the_newest_says(void **state)
{
	struct metadata *md CLEANUP(metadata_destroy) = NULL;
	struct metadata *marked CLEANUP(metadata_destroy) = parse(
		"<recording><participant id='1'><nameID aor='sip:a@h'/>"
		"<extensiondata><apkt:callingParty>false</apkt:callingParty>"
		"</extensiondata></participant><participant id='2'><nameID "
		"aor='sip:b@h'/><extensiondata><apkt:callingParty>true"
		"</apkt:callingParty></extensiondata></participant></"
		"recording>",
		NULL);
	struct metadata *sonus CLEANUP(metadata_destroy) =
		parse("<recording><participant id='1'/><extensiondata><fromhdr>"
		      "sip:a@h</fromhdr><tohdr>sip:b@h</tohdr></extensiondata>"
		      "</recording>",
		      NULL);

	(void)state;
	assert_string_equal(metadata_extra(marked, "caller"), "sip:b@h");
	assert_int_equal(marked->n_extras, 1);
	assert_string_equal(metadata_extra(sonus, "caller"), "sip:a@h");
	assert_string_equal(metadata_extra(sonus, "callee"), "sip:b@h");
	assert_int_equal(metadata_create(&md), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			metadata_merge(md, i ? marked : sonus, NULL, NULL), 0);
		assert_string_equal(metadata_extra(md, "caller"),
				    i ? "sip:b@h" : "sip:a@h");
		assert_string_equal(metadata_extra(md, "callee"), "sip:b@h");
	}
}

/* One <extensiondata> with BroadWorks' own element in it. */
#define BW(inside)                                                             \
	"<extensiondata xmlns:bw='urn:x'><bw:broadWorksRecordingMetadata>"     \
	"<bw:extTrackingID>9:1</bw:extTrackingID>" inside                      \
	"</bw:broadWorksRecordingMetadata></extensiondata>"
#define ORIG_AB                                                                \
	"<callType><origCall><callingPartyNumber>1</callingPartyNumber>"       \
	"<calledPartyNumber>2</calledPartyNumber></origCall></callType>"
#define TERM_3 "<callType><termCall/></callType>"
#define USER "<userID>a@h</userID>"
#define BOB "<participant id='2' aor='sip:b@h'/>"

static const struct side_case {
	const char *extensions;
	enum md_side side;
	const char *user, *caller, *callee;
} side_cases[] = {
	{ BW(USER ORIG_AB), MD_SIDE_CALLED, "a@h", "1", "2" },
	{ BW(USER TERM_3), MD_SIDE_WAS_CALLED, "a@h", NULL, "sip:a@h" },
	{ BW(TERM_3 USER), MD_SIDE_WAS_CALLED, "a@h", NULL, "sip:a@h" },
	{ "<userID>a@h</userID><callType>termCall</callType>",
	  MD_SIDE_WAS_CALLED, "a@h", NULL, "sip:a@h" },
	{ "<extensiondata><user-id value='a@h'/><CallType>OrigCall</CallType>"
	  "</extensiondata>",
	  MD_SIDE_CALLED, "a@h", "sip:a@h", NULL },
	{ "<extensiondata><x userID='a@h' callType='originating'/>"
	  "</extensiondata>",
	  MD_SIDE_CALLED, "a@h", "sip:a@h", NULL },
	{ "<extensiondata><callType type='termCall'/></extensiondata>",
	  MD_SIDE_WAS_CALLED, NULL, NULL, NULL },
	{ "<extensiondata><callType><value>origCall</value></callType>"
	  "</extensiondata>",
	  MD_SIDE_CALLED, NULL, NULL, NULL },
	{ "<extensiondata><origCall>false</origCall><termCall>true</termCall>"
	  "</extensiondata>",
	  MD_SIDE_WAS_CALLED, NULL, NULL, NULL },
	{ "<extensiondata><callType>conference</callType></extensiondata>",
	  MD_SIDE_UNKNOWN, NULL, NULL, NULL },
	/* of several the last one counts, wherever they stand */
	{ BW(USER ORIG_AB) BW("<userID>b@h</userID>" TERM_3),
	  MD_SIDE_WAS_CALLED, "b@h", NULL, NULL },
	{ BW(TERM_3 USER) BW(ORIG_AB), MD_SIDE_CALLED, NULL, "1", "2" },
	{ "<extensiondata><broadWorksRecordingMetadata>" USER ORIG_AB
	  "</broadWorksRecordingMetadata><broadWorksRecordingMetadata>" USER
	  "<callType><termCall><callingPartyNumber>3</callingPartyNumber>"
	  "</termCall></callType></broadWorksRecordingMetadata>"
	  "</extensiondata>",
	  MD_SIDE_WAS_CALLED, "a@h", "3", "sip:a@h" },
	{ BW(ORIG_AB) "<extensiondata><callingParty>4</callingParty>"
		      "</extensiondata>",
	  MD_SIDE_UNKNOWN, NULL, "4", "2" },
	/* other products */
	{ "<extensiondata><ns:callingParty>5</ns:callingParty><ns:calledParty>"
	  "6</ns:calledParty></extensiondata>",
	  MD_SIDE_UNKNOWN, NULL, "5", "6" },
	{ "<extensiondata xmlns:jb='http://jambonz.org/siprec'>"
	  "<jb:callingnumber>7</jb:callingnumber><jb:callednumber>8"
	  "</jb:callednumber></extensiondata>",
	  MD_SIDE_UNKNOWN, NULL, "8", "7" },
	{ "<extensiondata><note>not jambonz</note><callingnumber>7"
	  "</callingnumber></extensiondata>",
	  MD_SIDE_UNKNOWN, NULL, "7", NULL },
	{ "<extensiondata><callingParty>true</callingParty></extensiondata>",
	  MD_SIDE_UNKNOWN, NULL, NULL, NULL },
	{ "<participant id='9'><extensiondata><callingParty>true"
	  "</callingParty></extensiondata><nameID aor='sip:c@h'/>"
	  "</participant>",
	  MD_SIDE_UNKNOWN, NULL, "sip:c@h", NULL },
	{ "<extensiondata><callingParty><nameID aor='sip:e@h'/></callingParty>"
	  "<calledParty uri='sip:f@h'/></extensiondata>",
	  MD_SIDE_UNKNOWN, NULL, "sip:e@h", "sip:f@h" },
	{ "<participant id='p2' aor='sip:b@h'/><extensiondata><callingParty>"
	  "p2</callingParty></extensiondata>",
	  MD_SIDE_UNKNOWN, NULL, "sip:b@h", NULL },
	/* the other one of two */
	{ BOB BW(USER TERM_3), MD_SIDE_WAS_CALLED, "a@h", "sip:b@h",
	  "sip:a@h" },
	{ BOB BW("<userID>B@elsewhere</userID><callType>origCall</callType>"),
	  MD_SIDE_CALLED, "B@elsewhere", "sip:b@h", "sip:a@h" },
	{ BOB "<participant id='3'/>" BW(USER TERM_3), MD_SIDE_WAS_CALLED,
	  "a@h", NULL, "sip:a@h" },
	{ "<participant id='2' aor='sip:a@x'/>" BW(
		  "<userID>a@y</userID>" TERM_3),
	  MD_SIDE_WAS_CALLED, "a@y", NULL, NULL },
};

static void same_text(const char *is, const char *should)
{
	if (should && is)
		assert_string_equal(is, should);
	else
		assert_ptr_equal(is, should);
}

static void the_users_side_is_read_in_any_form(void **state)
{
	char xml[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(side_cases); i++) {
		const struct side_case *c = &side_cases[i];
		struct metadata *md CLEANUP(metadata_destroy) = NULL;

		(void)snprintf(xml, sizeof(xml),
			       "<recording><participant id='1'><nameID "
			       "aor='sip:a@h'/></participant>%s</recording>",
			       c->extensions);
		md = parse(xml, NULL);
		print_message("%zu %s\n", i, c->extensions);
		assert_int_equal(md->user_side, c->side);
		same_text(md->user, c->user);
		same_text(metadata_extra(md, "caller"), c->caller);
		same_text(metadata_extra(md, "callee"), c->callee);
	}
}

static void a_newer_side_replaces_who_called(void **state)
{
	struct metadata *md CLEANUP(metadata_destroy) = NULL;
	struct metadata *copy CLEANUP(metadata_destroy) = NULL;
	struct metadata *first CLEANUP(metadata_destroy) =
		parse("<recording><participant id='1'/>" BW(
			      USER ORIG_AB) "</"
					    "recording>",
		      NULL);
	struct metadata *silent CLEANUP(metadata_destroy) =
		parse("<recording><participant id='1'/></recording>", NULL);
	struct metadata *later CLEANUP(metadata_destroy) =
		parse("<recording><dataMode>partial</dataMode>" BW(
			      TERM_3) "</recording>",
		      NULL);

	(void)state;
	assert_int_equal(metadata_create(&md), 0);
	assert_int_equal(metadata_merge(md, first, NULL, NULL), 0);
	assert_int_equal(metadata_merge(md, silent, NULL, NULL), 0);
	assert_int_equal(md->user_side, MD_SIDE_CALLED);
	same_text(metadata_extra(md, "caller"), "1");
	assert_int_equal(metadata_merge(md, later, NULL, NULL), 0);
	assert_int_equal(metadata_clone(md, &copy), 0);
	assert_int_equal(copy->user_side, MD_SIDE_WAS_CALLED);
	same_text(copy->user, "a@h");
	assert_null(metadata_extra(copy, "caller"));
	assert_null(metadata_extra(copy, "callee"));
}

static void dangerous_documents_are_refused(void **state)
{
	static char deep[METADATA_BYTES_MAX + 2];
	struct metadata *md = NULL;
	struct warn_list wl = { 0 };

	(void)state;
	assert_int_equal(metadata_parse(SPAN("<!DOCTYPE r [<!ENTITY a 'b'>]>"
					     "<recording>&a;</recording>"),
					&wl, &md),
			 -EPERM);
	assert_int_equal(metadata_parse(SPAN("<a>& <!doctype r><b/></a>"), &wl,
					&md),
			 -EPERM);
	assert_true(warn_has(&wl, "metadata.doctype"));
	for (size_t i = 0; i < 40; i++)
		memcpy(deep + 3 * i, "<a>", 3);
	assert_int_equal(metadata_parse(span_of(deep), &wl, &md), -E2BIG);
	memset(deep, ' ', METADATA_BYTES_MAX + 1);
	assert_int_equal(metadata_parse((struct span){ deep,
						       METADATA_BYTES_MAX + 1 },
					&wl, &md),
			 -E2BIG);
	assert_int_equal(metadata_parse(SPAN("no xml"), &wl, &md), -EBADMSG);
	assert_int_equal(metadata_parse(SPAN(""), &wl, &md), -EBADMSG);
	assert_null(md);
}

static void participants_are_limited(void **state)
{
	struct buf xml CLEANUP(buf_fini) = { 0 };
	struct warn_list wl = { 0 };
	struct metadata *md CLEANUP(metadata_destroy) = NULL;

	(void)state;
	buf_init(&xml, 65536);
	buf_puts(&xml, "<recording>");
	for (int i = 0; i < 400; i++)
		buf_printf(&xml, "<participant id='%d'/>", i);
	buf_puts(&xml, "</recording>");
	md = parse(buf_str(&xml), &wl);
	assert_int_equal(md->n_participants, METADATA_PARTICIPANTS_MAX);
	assert_true(warn_has(&wl, "metadata.limit"));
}

static void memory_may_run_out_anywhere(void **state)
{
	struct metadata *md = NULL;
	int r = -ENOMEM;

	(void)state;
	for (int i = 0; r == -ENOMEM; i++) {
		mem_fail_after(i);
		r = metadata_parse(SPAN(RFC_DOC), NULL, &md);
		mem_fail_after(-1);
	}
	assert_int_equal(r, 0);
	metadata_destroy(&md);
}

static void what_is_printed_reads_the_same(void **state)
{
	struct metadata *a CLEANUP(metadata_destroy) = parse(RFC_DOC, NULL);
	struct metadata *b CLEANUP(metadata_destroy) = NULL;
	struct buf one CLEANUP(buf_fini) = { 0 };
	struct buf two CLEANUP(buf_fini) = { 0 };
	struct warn_list wl = { 0 };

	(void)state;
	buf_init(&one, 65536);
	buf_init(&two, 65536);
	assert_int_equal(metadata_print(a, &one), 0);
	b = parse(buf_str(&one), &wl);
	assert_int_equal(wl.n, 0);
	assert_int_equal(metadata_print(b, &two), 0);
	assert_string_equal(buf_str(&one), buf_str(&two));
	check_people(b, "sip:bob@biloxi.com/Bob "
			"sip:Paul@biloxi.com/Paul & Co");
	assert_int_equal(b->n_links, a->n_links);
}

/* Ids, times and addresses that the schema would refuse; <recv> before <send>;
 * somebody without any name. */
static const char odd_doc[] =
	"<recording><group group_id='g 1'/><session session_id='urn:uuid:1'>"
	"<reason>because</reason><group-ref>Z3Jw</group-ref>"
	"<start-time>2026-02-30T00:00:00Z</start-time>"
	"<stop-time>2026-03-02 09:15:00.5+0100</stop-time></session>"
	"<participant participant_id='p1'><nameID aor='sip:1 2#@h'/>"
	"</participant><participant participant_id='cDI='/>"
	"<stream stream_id='17'><label>1</label></stream>"
	"<participantstreamassoc participant_id='p1'><recv>18</recv>"
	"<send>17</send></participantstreamassoc>"
	"<extensiondata><tenant>acme</tenant></extensiondata></recording>";

static const char valid_doc[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	"<recording xmlns=\"" NS "\" xmlns:x=\"urn:srs:metadata:1\">\r\n"
	" <datamode>complete</datamode>\r\n"
	" <group group_id=\"ZyAx\"></group>\r\n"
	" <session session_id=\"dXJuOnV1aWQ6MQ==\">"
	"<reason cause=\"0\">because</reason><group-ref>Z3Jw</group-ref>"
	"<stop-time>2026-03-02T09:15:00.5+01:00</stop-time></session>\r\n"
	" <participant participant_id=\"cDE=\">"
	"<nameID aor=\"sip:1%202%23@h\"></nameID></participant>\r\n"
	" <participant participant_id=\"cDI=\"><nameID aor=\"\"></nameID>"
	"</participant>\r\n"
	" <stream stream_id=\"MTc=\"><label>1</label></stream>\r\n"
	" <participantstreamassoc participant_id=\"cDE=\"><send>MTc=</send>"
	"<recv>MTg=</recv></participantstreamassoc>\r\n"
	" <x:srs-field name=\"tenant\">acme</x:srs-field>\r\n"
	"</recording>\r\n";

static void a_valid_document_is_made_of_anything(void **state)
{
	struct metadata *a CLEANUP(metadata_destroy) = parse(odd_doc, NULL);
	struct metadata *b CLEANUP(metadata_destroy) = NULL;
	struct buf text CLEANUP(buf_fini) = { 0 };

	(void)state;
	buf_init(&text, 65536);
	assert_int_equal(metadata_print_valid(a, &text), 0);
	assert_string_equal(buf_str(&text), valid_doc);
	b = parse(valid_doc, NULL);
	assert_string_equal(metadata_extra(b, "tenant"), "acme");
	buf_reset(&text);
	assert_int_equal(metadata_print_valid(b, &text), 0);
	assert_string_equal(buf_str(&text), valid_doc);
}

/* U+FFFF comes from a SIP header, not from XML. */
static void what_xml_cannot_say_is_replaced(void **state)
{
	struct metadata *a CLEANUP(metadata_destroy) = NULL;
	struct metadata *b CLEANUP(metadata_destroy) = NULL;
	struct buf text CLEANUP(buf_fini) = { 0 };

	(void)state;
	assert_int_equal(metadata_create(&a), 0);
	assert_int_equal(metadata_add_participant(a, "1", "sip:a@h",
						  "A\xef\xbf\xbf"
						  "B"),
			 0);
	buf_init(&text, 65536);
	assert_int_equal(metadata_print(a, &text), 0);
	b = parse(buf_str(&text), NULL);
	assert_false(b->repaired);
	check_people(b, "sip:a@h/A\x3f\x3f\x3f"
			"B");
}

/* ---- merging ---- */

static void merge(struct metadata *state, const char *xml,
		  const char *want_changes)
{
	static const char letters[] = { [MD_JOINED] = '+',
					[MD_LEFT] = '-',
					[MD_RENAMED] = '=',
					[MD_NEW_SESSION] = '*' };
	struct metadata *u CLEANUP(metadata_destroy) = parse(xml, NULL);
	struct buf got CLEANUP(buf_fini) = { 0 };
	struct md_changes ch;

	buf_init(&got, 4096);
	assert_int_equal(metadata_merge(state, u, NULL, &ch), 0);
	for (unsigned i = 0; i < ch.n; i++)
		buf_printf(&got, "%c%u", letters[ch.items[i].kind],
			   ch.items[i].index);
	assert_string_equal(buf_str(&got), want_changes);
}

#define P(id, aor)                                                             \
	"<participant participant_id='" id "'><nameID aor='" aor               \
	"'/></participant>"
#define SENDS(id, stream)                                                      \
	"<participantstreamassoc participant_id='" id "'><send>" stream        \
	"</send></participantstreamassoc>"
#define STREAM(id, label)                                                      \
	"<stream stream_id='" id "'><label>" label "</label></stream>"
#define PARTIAL "<recording><datamode>partial</datamode>"
#define END "</recording>"

static void complete_replaces_and_partial_changes(void **state)
{
	struct metadata *md CLEANUP(metadata_destroy) = NULL;

	(void)state;
	assert_int_equal(metadata_create(&md), 0);
	merge(md, "<recording>" P("1", "sip:a@h") P("2", "sip:b@h") END,
	      "+0+1");
	merge(md, "<recording>" P("1", "sip:a@h") P("2", "sip:b@h") END, "");
	merge(md, PARTIAL P("3", "sip:c@h") END, "+2");
	merge(md,
	      PARTIAL "<participant participant_id='2'><nameID aor='sip:b@h'>"
		      "<name>Bea</name></nameID></participant>" END,
	      "=1");
	merge(md, "<recording>" P("1", "sip:a@h") P("3", "sip:c@h") END, "-1");
	check_people(md, "sip:a@h/ -sip:b@h/Bea sip:c@h/");
	merge(md, "<recording>" P("2", "sip:b@h") END, "+1-0-2");
	merge(md,
	      PARTIAL "<participantsessionassoc participant_id='2' "
		      "session_id='s'><disassociate-time>now"
		      "</disassociate-time></participantsessionassoc>" END,
	      "-1");
	merge(md, PARTIAL END, "");
}

static void a_placeholder_gets_its_person(void **state)
{
	struct metadata *md CLEANUP(metadata_destroy) = NULL;

	(void)state;
	assert_int_equal(metadata_create(&md), 0);
	merge(md,
	      "<recording>" P("1", "sip:a@h") P("2", "sip:unknown@h")
		      STREAM("x", "1") STREAM("y", "2") SENDS("1", "x")
			      SENDS("2", "y") END,
	      "+0+1");
	assert_true(md->participants[1].placeholder);
	merge(md,
	      "<recording>" P("1", "sip:a@h") P("9", "sip:b@h") STREAM("x", "1")
		      STREAM("y", "2") SENDS("1", "x") SENDS("9", "y") END,
	      "=1");
	check_people(md, "sip:a@h/ sip:b@h/");
	assert_string_equal(md->participants[1].id, "9");
}

static void new_ids_do_not_make_new_people(void **state)
{
	struct metadata *md CLEANUP(metadata_destroy) = NULL;

	(void)state;
	assert_int_equal(metadata_create(&md), 0);
	merge(md,
	      "<recording>" P("1", "sip:a@h") P("2", "sip:b@h") STREAM("x", "1")
		      SENDS("1", "x") END,
	      "+0+1");
	merge(md,
	      "<recording>" P("7", "sip:A@h") P("8", "sip:c@h") STREAM("x", "1")
		      END,
	      "=0+2-1");
	assert_string_equal(md->participants[0].id, "7");
	assert_string_equal(md->streams[0].sender, "7");
	/* two of one address are two */
	merge(md, "<recording>" P("9", "sip:c@h") P("10", "sip:c@h") END,
	      "+3+4-0-2");
	merge(md, PARTIAL P("11", "sip:c@h") END, "+5");
}

#define IN(p) "<participantsessionassoc participant_id='" p "' session_id='s'/>"
#define OUT(p)                                                                 \
	"<participantsessionassoc participant_id='" p "' session_id='s'>"      \
	"<disassociate-time>x</disassociate-time></participantsessionassoc>"

static void a_new_id_in_a_partial_one_is_the_same_person(void **state)
{
	struct metadata *md CLEANUP(metadata_destroy) = NULL;

	(void)state;
	assert_int_equal(metadata_create(&md), 0);
	merge(md,
	      "<recording>" P("1", "sip:a@h") P("2", "sip:b@h") STREAM("x", "1")
		      SENDS("1", "x") IN("1") IN("2") END,
	      "+0+1");
	merge(md, PARTIAL P("7", "sip:A@h") IN("7") SENDS("7", "x") END, "=0");
	assert_string_equal(md->participants[0].id, "7");
	/* the old id leaves: nobody does */
	merge(md, PARTIAL P("1", "sip:a@h") OUT("1") END, "");
	/* in one step, in either order */
	merge(md,
	      PARTIAL P("2", "sip:b@h") P("8", "sip:b@h") OUT("2") IN("8") END,
	      "");
	merge(md,
	      PARTIAL P("9", "sip:b@h") P("8", "sip:b@h") OUT("8") IN("9") END,
	      "");
	assert_string_equal(md->participants[1].id, "9");
	merge(md, PARTIAL P("9", "sip:b@h") OUT("9") END, "-1");
	/* nobody's address is everybody's */
	merge(md, PARTIAL P("20", "sip:anonymous@x") IN("20") END, "+2");
	merge(md, PARTIAL P("21", "sip:anonymous@x") IN("21") END, "+3");
	assert_int_equal(md->n_participants, 4);
}

static void a_new_session_is_told(void **state)
{
	struct metadata *md CLEANUP(metadata_destroy) = NULL;

	(void)state;
	assert_int_equal(metadata_create(&md), 0);
	merge(md, "<recording><session session_id='1'/>" P("1", "sip:a@h") END,
	      "+0");
	merge(md, "<recording><session session_id='2'/>" P("2", "sip:b@h") END,
	      "+1-0*1");
}

/* ---- whose stream is it ---- */

#define SDP_HEAD "v=0\r\nc=IN IP4 192.0.2.1\r\n"
#define AUDIO(label) "m=audio 4000 RTP/AVP 0\r\na=label:" label "\r\n"
#define BARE "m=audio 4000 RTP/AVP 0\r\n"
#define TWO P("1", "sip:a@h") P("2", "sip:b@h")

static const struct {
	const char *name;
	const char *xml;
	const char *sdp;
	const char *want; /* per line: how, "m" for mix, senders */
	const char *warning;
} attributions[] = {
	{ "associations",
	  "<recording>" TWO STREAM("x", "a") STREAM("y", "b") SENDS("1", "x")
		  SENDS("2", "y") END,
	  SDP_HEAD AUDIO("a") AUDIO("b"), "L0 L1", NULL },
	{ "associations against the order",
	  "<recording>" TWO STREAM("x", "1") STREAM("y", "2") SENDS("1", "y")
		  SENDS("2", "x") END,
	  SDP_HEAD AUDIO("1") AUDIO("2"), "L1 L0", "metadata.order_inverted" },
	{ "label in place of the stream id",
	  "<recording>" TWO STREAM("x", "a") STREAM("y", "b") SENDS("1", "a")
		  SENDS("2", "b") END,
	  SDP_HEAD AUDIO("a") AUDIO("b"), "L0 L1", NULL },
	{ "only recv",
	  "<recording>" TWO STREAM("x", "a") STREAM(
		  "y", "b") "<participantstreamassoc "
			    "participant_id='1'><recv>x</recv>"
			    "</participantstreamassoc><participantstreamassoc "
			    "participant_id='2'><recv>y</recv>"
			    "</participantstreamassoc>" END,
	  SDP_HEAD AUDIO("a") AUDIO("b"), "L1 L0", "metadata.order_inverted" },
	{ "no associations",
	  "<recording>" TWO STREAM("x", "b") STREAM("y", "a") END,
	  SDP_HEAD AUDIO("a") AUDIO("b"), "B1 B0", "metadata.no_association" },
	{ "no streams", "<recording>" TWO END, SDP_HEAD AUDIO("a") AUDIO("b"),
	  "O0 O1", "metadata.attributed_by_order" },
	{ "no labels in the SDP",
	  "<recording>" TWO STREAM("x", "1") STREAM("y", "2") SENDS("1", "x")
		  SENDS("2", "y") END,
	  SDP_HEAD BARE BARE, "O0 O1", "metadata.attributed_by_order" },
	{ "one mixed line, two streams named",
	  "<recording>" TWO STREAM("x", "1") STREAM("y", "2") SENDS("1", "x")
		  SENDS("2", "y") END,
	  SDP_HEAD AUDIO("1"), "Lm01", "metadata.mixed_line" },
	{ "one line, one stream of its own",
	  "<recording>" TWO STREAM("x", "1") SENDS("1", "x") END,
	  SDP_HEAD AUDIO("1"), "L0", NULL },
	{ "third line is the mix",
	  "<recording>" TWO STREAM("x", "1") STREAM("y", "2") STREAM("z", "3")
		  SENDS("1", "x") SENDS("2", "y") END,
	  SDP_HEAD AUDIO("1") AUDIO("2") AUDIO("3"), "L0 L1 Nm",
	  "metadata.mix_of_others" },
	{ "third line sent by both",
	  "<recording>" TWO STREAM("x", "1") STREAM("y", "2") STREAM(
		  "z", "3") "<participantstreamassoc "
			    "participant_id='1'><send>x</send>"
			    "<send>z</send></participantstreamassoc>"
			    "<participantstreamassoc "
			    "participant_id='2'><send>y</send>"
			    "<send>z</send></participantstreamassoc>" END,
	  SDP_HEAD AUDIO("1") AUDIO("2") AUDIO("3"), "L0 L1 Lm01",
	  "metadata.mix_of_others" },
	{ "several send one stream in a conference",
	  "<recording>" TWO P("3", "sip:c@h") STREAM("x", "1") STREAM("y", "2")
		  SENDS("1", "x") SENDS("2", "x") SENDS("3", "y") END,
	  SDP_HEAD AUDIO("1") AUDIO("2"), "L01 L2", NULL },
	{ "nobody known", "<recording>" END, SDP_HEAD BARE BARE, "N N", NULL },
	{ "an ended association does not count",
	  "<recording>" TWO STREAM("x", "1")
		  STREAM("y", "2") "<participantstreamassoc "
				   "participant_id='1'><send>y</send>"
				   "<disassociate-time>t</disassociate-time>"
				   "</participantstreamassoc>" SENDS("1", "x")
					   SENDS("2", "y") END,
	  SDP_HEAD AUDIO("1") AUDIO("2"), "L0 L1", NULL },
	{ "the line of one who left is not hers who sends another",
	  "<recording>" P("1", "sip:a@h") P("3", "sip:c@h") STREAM("x", "1")
		  STREAM("y", "2") STREAM("z", "3") SENDS("1", "x")
			  SENDS("3", "z") END,
	  SDP_HEAD AUDIO("1") AUDIO("2"), "L0 N", NULL },
	{ "the same when the one who stays receives it",
	  "<recording>" P("1", "sip:a@h") P("3", "sip:c@h") STREAM(
		  "x", "1") STREAM("y", "2") STREAM("z", "3")
		  SENDS("3", "z") "<participantstreamassoc participant_id='1'>"
				  "<send>x</send><recv>y</recv>"
				  "</participantstreamassoc>" END,
	  SDP_HEAD AUDIO("1") AUDIO("2"), "L0 N", NULL },
	{ "the line of one who left is hers who sends nothing yet",
	  "<recording>" P("1", "sip:a@h") P("3", "sip:c@h") STREAM("x", "1")
		  STREAM("y", "2") SENDS("1", "x") END,
	  SDP_HEAD AUDIO("1") AUDIO("2"), "L0 B1", "metadata.no_association" },
	{ "labels that are no stream's: the order, although all send",
	  "<recording>" TWO STREAM("x", "1") STREAM("y", "2") SENDS("1", "x")
		  SENDS("2", "y") END,
	  SDP_HEAD AUDIO("a") AUDIO("b"), "O0 O1",
	  "metadata.attributed_by_order" },
	{ "streams are numbered as the m-lines, which have no labels",
	  "<recording>" P("1", "sip:a@h") P("2", "sip:b@h") STREAM("x", "#2")
		  STREAM("y", "#1") SENDS("1", "x") SENDS("2", "y") END,
	  SDP_HEAD "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\n",
	  "L1 L0", "metadata.order_inverted" },
};

static void streams_find_their_owners(void **state)
{
	static const char how[] = { [MD_BY_LINK] = 'L',
				    [MD_BY_LABEL] = 'B',
				    [MD_BY_ORDER] = 'O',
				    [MD_BY_NOTHING] = 'N' };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attributions); i++) {
		struct metadata *md CLEANUP(metadata_destroy) = NULL;
		struct sdp *s CLEANUP(sdp_destroy) = NULL;
		struct buf got CLEANUP(buf_fini) = { 0 };
		struct md_owner o[SDP_LINES_MAX];
		struct warn_list wl = { 0 };

		print_message("%s\n", attributions[i].name);
		buf_init(&got, 1024);
		md = parse(attributions[i].xml, NULL);
		assert_int_equal(
			sdp_read(span_of(attributions[i].sdp), NULL, &s), 0);
		metadata_attribute(md, s, &wl, o);
		for (unsigned k = 0; k < s->n_lines; k++) {
			buf_printf(&got, "%s%c%s", k ? " " : "", how[o[k].how],
				   o[k].is_mix ? "m" : "");
			for (unsigned n = 0; n < o[k].n; n++)
				buf_printf(&got, "%u", o[k].participants[n]);
		}
		assert_string_equal(buf_str(&got), attributions[i].want);
		if (attributions[i].warning)
			assert_true(warn_has(&wl, attributions[i].warning));
		else
			assert_int_equal(wl.n, 0);
	}
}

/* Carol joins with a line of her own, then Bob leaves: both by a partial
 * description. */
static void a_line_left_behind_is_nobody_elses(void **state)
{
	static const char *const leaving[] = {
		PARTIAL "<participantsessionassoc participant_id='2' "
			"session_id='s'><disassociate-time>t"
			"</disassociate-time></participantsessionassoc>" END,
		PARTIAL "<participantstreamassoc participant_id='2'><send>y"
			"</send><disassociate-time>t</disassociate-time>"
			"</participantstreamassoc><participantsessionassoc "
			"participant_id='2' session_id='s'><disassociate-time>"
			"t</disassociate-time></participantsessionassoc>" END,
		"<recording>" P("1", "sip:a@h") P("3", "sip:c@h")
			STREAM("x", "1") STREAM("y", "2") STREAM("z", "3")
				SENDS("1", "x") SENDS("3", "z") END,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(leaving); i++) {
		struct metadata *md CLEANUP(metadata_destroy) = NULL;
		struct sdp *s CLEANUP(sdp_destroy) = NULL;
		struct md_owner o[SDP_LINES_MAX];
		struct warn_list wl = { 0 };

		md = parse("<recording>" TWO STREAM("x", "1") STREAM("y", "2")
				   SENDS("1", "x") SENDS("2", "y") END,
			   NULL);
		merge(md,
		      PARTIAL P("3", "sip:c@h") STREAM("z", "3") SENDS("3", "z")
			      END,
		      "+2");
		merge(md, leaving[i], "-1");
		assert_int_equal(sdp_read(span_of(SDP_HEAD AUDIO("1") AUDIO("2")
							  AUDIO("3")),
					  NULL, &s),
				 0);
		metadata_attribute(md, s, &wl, o);
		assert_int_equal(o[0].participants[0], 0);
		assert_int_equal(o[1].n, 0);
		assert_false(o[1].is_mix);
		assert_int_equal(o[2].participants[0], 2);
		assert_int_equal(wl.n, 0);
	}
}

/* RFC 8068 section 3.2.2, every line audio. */
static void a_held_stream_is_still_whose_it_was(void **state)
{
#define ASSOC(id, streams)                                                     \
	"<participantstreamassoc participant_id='" id "'>" streams             \
	"</participantstreamassoc>"
#define LINE(label)                                                            \
	"m=audio 4000 RTP/AVP 0\r\na=label:" label "\r\na=sendonly\r\n"
	static const unsigned who[] = { 0, 0, 1, 1 };
	struct metadata *md CLEANUP(metadata_destroy) = NULL;
	struct sdp *s CLEANUP(sdp_destroy) = NULL;
	struct md_owner o[SDP_LINES_MAX];
	struct warn_list wl = { 0 };

	(void)state;
	assert_int_equal(sdp_read(span_of(SDP_HEAD LINE("96") LINE("97")
						  LINE("98") LINE("99")),
				  NULL, &s),
			 0);
	md = parse("<recording>" P("a", "sip:a@h") P("b", "sip:b@h")
			   STREAM("1", "96") STREAM("2", "97") STREAM("3", "98")
				   STREAM("4", "99") ASSOC("a",
							   "<send>1</send>"
							   "<send>2</send>"
							   "<recv>3</recv>")
					   ASSOC("b", "<send>3</send>"
						      "<send>4</send>") END,
		   NULL);
	for (unsigned times = 0; times < 2; times++) {
		merge(md,
		      PARTIAL ASSOC("a", "<recv>3</recv><recv>4</recv>")
			      ASSOC("b", "<send>3</send><send>4</send>") END,
		      "");
		metadata_attribute(md, s, &wl, o);
		for (unsigned i = 0; i < 4; i++) {
			assert_int_equal(o[i].n, 1);
			assert_int_equal(o[i].participants[0], who[i]);
			assert_false(o[i].is_mix);
		}
		assert_int_equal(wl.n, 0);
	}
	/* who sends it next is who it is of */
	merge(md, PARTIAL ASSOC("b", "<send>1</send><send>4</send>") END, "");
	metadata_attribute(md, s, &wl, o);
	assert_int_equal(o[0].participants[0], 1);
}

static void a_copy_is_another_and_the_same(void **state)
{
	static const char xml[] =
		"<recording><datamode>complete</datamode>"
		"<group group_id='g'/><session session_id='s'>"
		"<group-ref>g</group-ref></session>"
		"<participant participant_id='a'><nameID aor='sip:a@x'>"
		"<name>A</name></nameID></participant>"
		"<participant participant_id='b'><nameID aor='sip:b@x'/>"
		"</participant><participant participant_id='c'/>"
		"<stream stream_id='t' session_id='s'><label>1</label>"
		"</stream><participantstreamassoc participant_id='a'>"
		"<send>t</send></participantstreamassoc></recording>";
	struct metadata *md = NULL, *copy = NULL;
	struct buf x, y;

	(void)state;
	assert_int_equal(metadata_parse(span_of(xml), NULL, &md), 0);
	assert_int_equal(metadata_add_extra(md, "caller", "sip:a@x"), 0);
	md->participants[1].left = true;
	assert_int_equal(metadata_clone(md, &copy), 0);
	buf_init(&x, 65536);
	buf_init(&y, 65536);
	assert_int_equal(metadata_print_valid(md, &x), 0);
	assert_int_equal(metadata_print_valid(copy, &y), 0);
	assert_string_equal(buf_str(&x), buf_str(&y));
	assert_true(copy->participants[1].left);
	assert_int_equal(metadata_add_participant(copy, "d", "sip:d@x", NULL),
			 3); /* it can grow */
	assert_int_equal(md->n_participants, 3);
	metadata_destroy(&md);
	assert_string_equal(copy->participants[0].name, "A");
	buf_fini(&x);
	buf_fini(&y);
	md = copy;
	copy = NULL;
	for (int n = 0; n < 60; n++) {
		mem_fail_after(n);
		if (metadata_clone(md, &copy) == 0)
			metadata_destroy(&copy);
		mem_fail_after(-1);
		assert_null(copy);
	}
	metadata_destroy(&md);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_another_and_the_same),
		cmocka_unit_test(the_rfc_model_is_read_whole),
		cmocka_unit_test(every_dialect_is_understood),
		cmocka_unit_test(ids_come_as_text_attribute_or_element),
		cmocka_unit_test(vendor_extensions_are_lifted),
		cmocka_unit_test(who_called_is_what_the_newest_says),
		cmocka_unit_test(the_users_side_is_read_in_any_form),
		cmocka_unit_test(a_newer_side_replaces_who_called),
		cmocka_unit_test(dangerous_documents_are_refused),
		cmocka_unit_test(participants_are_limited),
		cmocka_unit_test(memory_may_run_out_anywhere),
		cmocka_unit_test(what_is_printed_reads_the_same),
		cmocka_unit_test(complete_replaces_and_partial_changes),
		cmocka_unit_test(a_placeholder_gets_its_person),
		cmocka_unit_test(new_ids_do_not_make_new_people),
		cmocka_unit_test(a_new_id_in_a_partial_one_is_the_same_person),
		cmocka_unit_test(a_new_session_is_told),
		cmocka_unit_test(a_held_stream_is_still_whose_it_was),
		cmocka_unit_test(a_line_left_behind_is_nobody_elses),
		cmocka_unit_test(a_valid_document_is_made_of_anything),
		cmocka_unit_test(what_xml_cannot_say_is_replaced),
		cmocka_unit_test(streams_find_their_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
