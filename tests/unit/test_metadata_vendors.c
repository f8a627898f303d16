/* Who sends which line, in structures that products write. The first
 * person always sends the second line: order alone would say the opposite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/mem.h"
#include "srs/siprec/metadata.h"
#include "srs/siprec/sdp.h"
#include "srs/siprec/warn.h"

#define OLD "<recording xmlns='urn:ietf:params:xml:ns:recording'>"
#define NEW "<recording xmlns='urn:ietf:params:xml:ns:recording:1'>"
#define STREAMS                                                                \
	"<stream stream_id='x' session_id='s'><label>1</label></stream>"       \
	"<stream stream_id='y' session_id='s'><label>2</label></stream>"
#define OLD_STREAMS                                                            \
	"<stream id='x' session='s'><mode>separate</mode><label>1</label>"     \
	"</stream><stream id='y' session='s'><label>2</label></stream>"
#define ASSOC(tag)                                                             \
	"<" tag " participant_id='a'><send>y</send><recv>x</recv></" tag ">"   \
	"<" tag " participant_id='b'><send>x</send><recv>y</recv></" tag ">"

static const struct {
	const char *name;
	const char *xml;
} forms[] = {
	{ "Oracle: the older model, extensions inside the participant",
	  OLD "<dataMode>complete</dataMode><session id='s'><associate-time>"
	      "2013-01-01T10:00:00</associate-time><extensiondata "
	      "xmlns:apkt='http://acmepacket.com/siprec/extensiondata'>"
	      "<apkt:ucid>00FA;encoding=hex</apkt:ucid></extensiondata>"
	      "</session><participant id='a' session='s'><nameID "
	      "aor='sip:a@h'><name>A</name></nameID><send>y</send><recv>x"
	      "</recv><extensiondata xmlns:apkt='http://acmepacket.com/'>"
	      "<apkt:callingParty>true</apkt:callingParty></extensiondata>"
	      "</participant><participant id='b' session='s'><nameID "
	      "aor='sip:b@h'/><extensiondata xmlns:apkt='http://acmepacket."
	      "com/'><apkt:callingParty>false</apkt:callingParty>"
	      "</extensiondata><send>x</send><recv>y</recv></"
	      "participant>" OLD_STREAMS "</recording>" },
	{ "AudioCodes: the older model, its prefix nowhere declared",
	  OLD "<datamode>complete</datamode><group id='g'><associate-time>"
	      "2010-01-24T01:11:57Z</associate-time></group><session id='s'>"
	      "<group-ref>g</group-ref><ac:AvayaUCID xmlns='urn:ietf:params:"
	      "xml:ns:Avaya'>FA080030C4E3</ac:AvayaUCID></session>"
	      "<participant id='a' session='s'><nameID aor='sip:a@h'></nameID>"
	      "<associate-time>2010-01-24T01:11:57Z</associate-time><send>y"
	      "</send><recv>x</recv></participant><participant id='b' "
	      "session='s'><nameID aor='sip:b@h'></nameID><send>x</send>"
	      "<recv>y</recv></participant>" OLD_STREAMS "</recording>" },
	{ "ids two levels down, in two spellings",
	  OLD "<dataMode>Complete</dataMode><participant id='a' session='s'>"
	      "<nameID aor='sip:a@h'/><send><stream><id>y</id></stream></send>"
	      "</participant><participant id='b' session='s'><nameID "
	      "aor='sip:b@h'/><send><stream-id>x</stream-id></send>"
	      "</participant>" OLD_STREAMS "</recording>" },
	{ "Avaya: AoR and name as elements in nameID",
	  NEW "<datamode>complete</datamode><session session_id='s'/>"
	      "<participant participant_id='a'><nameID><aor>sip:a@h</aor><name>"
	      "A</name></nameID></participant><participant participant_id='b'>"
	      "<nameID><aor>sip:b@h</aor></nameID></participant>" STREAMS ASSOC(
		      "participantstreamassoc") "</recording>" },
	{ "Cisco CUBE: as in the RFC, associations first",
	  NEW "<datamode>complete</datamode>" ASSOC(
		  "participantstreamassoc") "<session "
					    "session_id='s'><sipSessionID>1;"
					    "remote=2</sipSessionID>"
					    "</session><participant "
					    "participant_id='a'><nameID "
					    "aor='sip:a@h'>"
					    "<name "
					    "xml:lang='en'>A</name></nameID></"
					    "participant><participant "
					    "participant_id='b'><nameID "
					    "aor='sip:b@h'/></"
					    "participant>" STREAMS
					    "</recording>" },
	{ "a prefix on every element",
	  "<rs:recording xmlns:rs='urn:ietf:params:xml:ns:recording:1'>"
	  "<rs:datamode>complete</rs:datamode><rs:participant "
	  "participant_id='a'><rs:nameID aor='sip:a@h'/></rs:participant>"
	  "<rs:participant participant_id='b'><rs:nameID aor='sip:b@h'/>"
	  "</rs:participant><rs:stream stream_id='x'><rs:label>1</rs:label>"
	  "</rs:stream><rs:stream stream_id='y'><rs:label>2</rs:label>"
	  "</rs:stream><rs:participantstreamassoc participant_id='a'><rs:send>"
	  "y</rs:send></rs:participantstreamassoc><rs:participantstreamassoc "
	  "participant_id='b'><rs:send>x</rs:send></rs:participantstreamassoc>"
	  "</rs:recording>" },
	{ "labels where ids belong",
	  NEW "<datamode>complete</datamode><participant participant_id='a'>"
	      "<nameID aor='sip:a@h'/></participant><participant "
	      "participant_id='b'><nameID aor='sip:b@h'/></participant>" STREAMS
	      "<participantstreamassoc participant_id='a'><send>2</send>"
	      "</participantstreamassoc><participantstreamassoc "
	      "participant_id='b'><send>1</send></participantstreamassoc>"
	      "</recording>" },
	{ "attributes in the RFC's elements",
	  NEW "<datamode>complete</datamode><participant participant_id='a' "
	      "session_id='s' aor='sip:a@h' name='A'/><participant "
	      "participant_id='b' aor='sip:b@h'/><stream stream_id='x' "
	      "session_id='s' label='1'/><stream stream_id='y' label='2'/>"
	      "<participantstreamassoc participant_id='a'><send "
	      "stream_id='y'/></participantstreamassoc>"
	      "<participantstreamassoc participant_id='b'><send "
	      "stream_id='x'/></participantstreamassoc></recording>" },
	{ "everything inside the session",
	  NEW "<datamode>complete</datamode><session session_id='s'>"
	      "<participant participant_id='a'><nameID aor='sip:a@h'/>"
	      "<send>y</send></participant><participant participant_id='b'>"
	      "<nameID aor='sip:b@h'/><send>x</send></participant>" STREAMS
	      "</session></recording>" },
};

static const char offer[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
			    "c=IN IP4 192.0.2.1\r\nt=0 0\r\n"
			    "m=audio 40000 RTP/AVP 0\r\na=label:1\r\n"
			    "m=audio 40002 RTP/AVP 0\r\na=label:2\r\n";

static void who_sends_which_line_in_every_form(void **state)
{
	struct md_owner owners[SDP_LINES_MAX];
	struct sdp *sdp = NULL;

	(void)state;
	assert_int_equal(sdp_read(span_of(offer), NULL, &sdp), 0);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct metadata *md = NULL;
		struct warn_list wl = { 0 };

		print_message("%s\n", forms[i].name);
		assert_int_equal(
			metadata_parse(span_of(forms[i].xml), &wl, &md), 0);
		assert_int_equal(md->n_participants, 2);
		assert_string_equal(md->participants[0].aors[0], "sip:a@h");
		assert_string_equal(md->participants[1].aors[0], "sip:b@h");
		metadata_attribute(md, sdp, &wl, owners);
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(owners[k].how, MD_BY_LINK);
			assert_int_equal(owners[k].n, 1);
			assert_int_equal(owners[k].participants[0], 1 - k);
		}
		assert_false(warn_has(&wl, "metadata.no_association"));
		assert_false(warn_has(&wl, "metadata.repaired"));
		metadata_destroy(&md);
	}
	sdp_destroy(&sdp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_sends_which_line_in_every_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
