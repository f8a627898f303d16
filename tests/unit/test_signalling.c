/* test_signalling.c - facts about storage/signalling.h and its labels. */
#include "storage/signalling.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/pcapng.h"
#include "storage/catalog.h"
#include "storage/catalog_search.h"
#include "storage/db.h"
#include "storage/migrate.h"
#include "storage/signalling_hide.h"
#include "storage/signalling_label.h"
#include "tests/support/recording_rig.h"
#include "tests/support/unit.h"

#define T0 RECORDING_RIG_T0

#define INVITE                                                                 \
	"INVITE sip:srs@192.0.2.9 SIP/2.0\r\n"                                 \
	"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"                       \
	"CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
#define OK                                                                     \
	"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n"                                 \
	"Contact: \"S\" <sip:srs@192.0.2.9:5070;transport=udp>;+sip.srs\r\n"   \
	"c: application/sdp\r\nl: 4\r\n\r\nv=0\n"

/* ---- labels ---- */

static void label_is(const char *text, unsigned status, const char *method,
		     const char *reason)
{
	struct signalling_label l;

	signalling_label_read(span_of(text), &l);
	assert_int_equal(l.status, status);
	assert_true(span_eq(l.method, method));
	assert_true(span_eq(l.reason, reason));
}

static void label_names_requests_and_answers(void **state)
{
	(void)state;
	label_is(INVITE, 0, "INVITE", "");
	label_is(OK, 200, "INVITE", "OK");
	label_is("SIP/2.0 404\nCSeq:  7   UPDATE \n\n", 404, "UPDATE", "");
	label_is("SIP/2.0 999 Odd\r\n\r\n", 0, "", "");
	label_is("", 0, "", "");
	label_is("\r\n\r\n", 0, "", "");
	label_is("BYE", 0, "BYE", "");
}

static void carries(const char *text, bool sdp, bool metadata, bool cut)
{
	struct signalling_label l;

	signalling_label_read(span_of(text), &l);
	assert_int_equal(l.sdp, sdp);
	assert_int_equal(l.metadata, metadata);
	assert_int_equal(l.cut_body, cut);
}

static void label_says_what_a_message_carries(void **state)
{
	(void)state;
	carries(INVITE, false, false, false);
	carries(OK, true, false, false);
	carries("UPDATE x\r\nContent-Type: Application/SDP\r\n\r\n", false,
		false, false);
	carries("UPDATE x\r\nContent-Type: application/rs-metadata+xml\r\n"
		"Content-Length: 9\r\n\r\n<r/>",
		false, true, true);
	carries("INVITE x\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n"
		"--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b\r\n"
		"Content-Type: application/rs-metadata+xml\r\n\r\n<r/>\r\n",
		true, true, false);
	carries("OPTIONS x\r\nAccept: application/sdp\r\n"
		"Content-Type: text/plain\r\n\r\napplication/sdp",
		false, false, false);
}

static void contact_is(const char *line, const char *host)
{
	char text[300];

	(void)snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n%s\r\n\r\n",
		       line);
	assert_true(span_eq(signalling_contact(span_of(text)), host));
}

static void contact_finds_host_and_port(void **state)
{
	(void)state;
	contact_is("Contact: <sip:a@192.0.2.1:5060;x=y>;z", "192.0.2.1:5060");
	contact_is("m:sips:192.0.2.1", "192.0.2.1");
	contact_is("CONTACT : \"<\" <SIP:u:p@[2001:db8::1]:9?h=v>", "");
	contact_is("Contact: <SIP:u:p@[2001:db8::1]:9?h=v>", "[2001:db8::1]:9");
	contact_is("Contact: <tel:+44>", "");
	contact_is("Contact: *", "");
	contact_is("Contact:", "");
	contact_is("Vary: x", "");
}

/* ---- writing ---- */

static void add(struct recording_rig *f, int64_t at_us, const char *dir,
		const char *transport, const char *peer, const void *body,
		size_t len)
{
	struct recording_message m = { at_us, dir, transport, peer, body, len };

	assert_int_equal(recording_add_message(f->db, f->id.s, &m), 0);
}

static void add_call(struct recording_rig *f, const char *transport,
		     const char *peer)
{
	add(f, T0 - 12000, "in", transport, peer, INVITE, strlen(INVITE));
	add(f, T0 + 3000, "out", transport, peer, OK, strlen(OK));
}

static void text_has_a_line_before_each(void **state)
{
	struct recording_rig *f = *state;

	add_call(f, "udp", "192.0.2.1:5060");
	assert_int_equal(
		signalling_write(f->db, f->rec, SIGNALLING_TEXT, &f->out), 0);
	assert_non_null(strstr(buf_str(&f->out),
			       " in udp 192.0.2.1:5060, 115 bytes\nINVITE "));
	assert_non_null(strstr(buf_str(&f->out), " out udp 192.0.2.1:5060, "));
}

static void json_has_times_and_labels(void **state)
{
	struct recording_rig *f = *state;
	json_t *j, *items, *m;

	add_call(f, "tls", "192.0.2.1:5060");
	add(f, T0, "in", "udp", "", "\xff\0", 2);
	assert_int_equal(
		signalling_write(f->db, f->rec, SIGNALLING_JSON, &f->out), 0);
	j = json_loads(buf_str(&f->out), 0, NULL);
	assert_non_null(j);
	assert_true(json_is_null(json_object_get(j, "next_cursor")));
	items = json_object_get(j, "items");
	assert_int_equal(json_array_size(items), 3);
	m = json_array_get(items, 0);
	assert_string_equal(json_string_value(json_object_get(m, "method")),
			    "INVITE");
	assert_true(json_is_null(json_object_get(m, "status")));
	assert_string_equal(json_string_value(json_object_get(m, "body")),
			    INVITE);
	m = json_array_get(items, 1);
	assert_int_equal(json_integer_value(json_object_get(m, "status")), 200);
	m = json_array_get(items, 2);
	assert_null(json_object_get(m, "body"));
	assert_string_equal(
		json_string_value(json_object_get(m, "body_base64url")), "_wA");
	json_decref(j);
}

static void nothing_is_an_empty_list(void **state)
{
	struct recording_rig *f = *state;
	json_t *j;

	assert_int_equal(
		signalling_write(f->db, f->rec, SIGNALLING_JSON, &f->out), 0);
	j = json_loads(buf_str(&f->out), 0, NULL);
	assert_int_equal(json_array_size(json_object_get(j, "items")), 0);
	json_decref(j);
	buf_reset(&f->out);
	assert_int_equal(
		signalling_write(f->db, f->rec, SIGNALLING_PCAPNG, &f->out), 0);
	assert_true(f->out.len > 28);
}

static void local_is_what_our_contact_says(void **state)
{
	struct recording_rig *f = *state;
	char local[SIGNALLING_LOCAL_MAX];

	assert_int_equal(signalling_local(f->db, f->id.s, local), 0);
	assert_string_equal(local, "");
	add_call(f, "udp", "192.0.2.1:5060");
	assert_int_equal(signalling_local(f->db, f->id.s, local), 0);
	assert_string_equal(local, "192.0.2.9:5070");
}

static void more_than_fits_is_enobufs(void **state)
{
	struct recording_rig *f = *state;
	struct buf small;

	add_call(f, "udp", "192.0.2.1:5060");
	for (int i = 0; i <= SIGNALLING_JSON; i++) {
		buf_init(&small, 200);
		assert_int_equal(signalling_write(f->db, f->rec,
						  (enum signalling_format)i,
						  &small),
				 -ENOBUFS);
		buf_fini(&small);
	}
}

/* ---- tshark ---- */

/* What tshark prints of the capture, one line a packet. */
static void dissect(struct recording_rig *f, const char *fields, char *dst,
		    size_t dst_len)
{
	char path[200], command[600];
	size_t n;
	FILE *p;

	buf_reset(&f->out);
	assert_int_equal(
		signalling_write(f->db, f->rec, SIGNALLING_PCAPNG, &f->out), 0);
	(void)snprintf(path, sizeof(path), "%s/s.pcapng", unit_temp_dir());
	unit_write_file(path, f->out.data, f->out.len);
	(void)snprintf(command, sizeof(command),
		       "tshark -n -r %s -T fields -E separator=' ' "
		       "-o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE "
		       "-o ip.check_checksum:TRUE %s 2>/dev/null",
		       path, fields);
	p = popen(command, "r");
	assert_non_null(p);
	n = fread(dst, 1, dst_len - 1, p);
	dst[n] = '\0';
	assert_int_equal(pclose(p), 0);
	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
}

static void wireshark_reads(void **state)
{
	static const struct {
		const char *transport, *peer, *want;
	} table[] = {
		{ "udp", "192.0.2.1:5060",
		  "192.0.2.1 5060 5070 INVITE \n192.0.2.9 5070 5060  200\n" },
		{ "tcp", "192.0.2.1:40000",
		  "192.0.2.1 40000 5070 INVITE \n192.0.2.9 5070 40000  200\n" },
		{ "tls", "192.0.2.1:40000",
		  "192.0.2.1 40000 5060 INVITE \n192.0.2.9 5060 40000  200\n" },
		{ "udp", "[2001:db8::1]:5060",
		  "2001:db8::1 5060 5070 INVITE \n:: 5070 5060  200\n" },
		{ "tcp", "[2001:db8::1]:5061",
		  "2001:db8::1 5061 5070 INVITE \n:: 5070 5061  200\n" },
	};
	struct recording_rig *f = *state;
	char text[1000], fields[300];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		bool v6 = table[i].peer[0] == '[';
		bool udp = str_eq(table[i].transport, "udp");

		assert_true(db_exec(f->db, "DELETE FROM signalling", DB_NONE) >=
			    0);
		add_call(f, table[i].transport, table[i].peer);
		(void)snprintf(fields, sizeof(fields),
			       "-e %s.src -e %s.srcport -e %s.dstport "
			       "-e sip.Method -e sip.Status-Code",
			       v6 ? "ipv6" : "ip", udp ? "udp" : "tcp",
			       udp ? "udp" : "tcp");
		dissect(f, fields, text, sizeof(text));
		assert_string_equal(text, table[i].want);
	}
}

/* Header checksums, reassembly, malformed parts: nothing to complain about. */
static void wireshark_has_no_complaint(void **state)
{
	struct recording_rig *f = *state;
	char text[1000];

	add_call(f, "tcp", "192.0.2.1:40000");
	add_call(f, "tcp", "[2001:db8::1]:40000");
	add_call(f, "udp", "192.0.2.1:5060");
	dissect(f,
		"-Y 'tcp.analysis.flags || ip.checksum.status == 0 || "
		"udp.checksum.status == 0 || tcp.checksum.status == 0 || "
		"_ws.malformed' -e frame.number",
		text, sizeof(text));
	assert_string_equal(text, "");
}

static void wireshark_is_not_thrown_off_by_removed_keys(void **state)
{
	static const char cut[] =
		"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n"
		"Contact: <sip:192.0.2.9:5060>\r\n"
		"Content-Type: application/sdp\r\nContent-Length: 90\r\n\r\n"
		"v=0\r\n";
	struct recording_rig *f = *state;
	char text[1000];

	add(f, T0, "in", "tcp", "192.0.2.1:40000", INVITE, strlen(INVITE));
	add(f, T0, "out", "tcp", "192.0.2.1:40000", cut, strlen(cut));
	add_call(f, "tcp", "192.0.2.1:40000");
	dissect(f, "-e sip.Method -e sip.Status-Code", text, sizeof(text));
	assert_string_equal(text, "INVITE \n 200\nINVITE \n 200\n");
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, recording_rig_setup,                \
					recording_rig_teardown)

static void names_of_dialogs_are_hidden(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "From: <sip:a@x>;tag=abc\r\nTo: b;TAG = \"q\\\"x\" ;x\r\n",
		  "From: <sip:a@x>;tag=hidden\r\nTo: b;TAG = hidden ;x\r\n" },
		{ "Via: SIP/2.0/UDP h;rport;branch=z9hG4bK1, V;branch=2\n",
		  "Via: SIP/2.0/UDP h;rport;branch=hidden, V;branch=hidden\n" },
		{ "v: SIP/2.0/TCP h;\r\n branch\r\n =z9\r\n",
		  "v: SIP/2.0/TCP h;\r\n branch\r\n =hidden\r\n" },
		{ "Replaces: id@x;to-tag=1;from-tag=2\r\n",
		  "Replaces: id@x;to-tag=hidden;from-tag=hidden\r\n" },
		{ "Refer-To: <sip:x?Replaces=i%3Bto-tag%3D1%3bfrom-tag%3d2>",
		  "Refer-To: <sip:x?Replaces=i%3Bto-tag%3Dhidden%3bfrom-tag"
		  "%3dhidden>" },
		{ "Target-Dialog: i;local-tag=1;remote-tag=2",
		  "Target-Dialog: i;local-tag=hidden;remote-tag=hidden" },
		{ "Record-Route: <sip:p;lr;ftag=abc;did=1.2>\r\n",
		  "Record-Route: <sip:p;lr;ftag=hidden;did=hidden>\r\n" },
		{ "Call-ID: abc;tagged=1;stag=2\r\n\r\na;tag=body",
		  "Call-ID: abc;tagged=1;stag=2\r\n\r\na;tag=body" },
		{ "To: <sip:a@x>;tag=", "To: <sip:a@x>;tag=hidden" },
		{ "To: a;tag=\"open", "To: a;tag=hidden" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_reset(&out);
		assert_int_equal(signalling_hide(span_of(cases[i].in), &out),
				 0);
		assert_string_equal(buf_str(&out), cases[i].out);
	}
	buf_fini(&out);
}

static void a_recording_is_shown_without_them(void **state)
{
	static const char msg[] =
		"BYE sip:a@x SIP/2.0\r\nFrom: a;tag=secret\r\n"
		"Content-Length: 0\r\n\r\n";
	struct recording_rig *f = *state;
	struct recording_message m = { RECORDING_RIG_T0, "in", "udp",
				       "192.0.2.1:5060", msg,  strlen(msg) };

	assert_int_equal(recording_add_message(f->db, f->id.s, &m), 0);
	for (int format = SIGNALLING_TEXT; format <= SIGNALLING_JSON; format++)
		for (int hidden = 0; hidden < 2; hidden++) {
			bool found;

			f->rec->hide_dialog = hidden != 0;
			buf_reset(&f->out);
			assert_int_equal(signalling_write(f->db, f->rec, format,
							  &f->out),
					 0);
			found = memmem(f->out.data, f->out.len, "secret", 6);
			assert_int_equal(found, !hidden);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(label_names_requests_and_answers),
		cmocka_unit_test(label_says_what_a_message_carries),
		cmocka_unit_test(contact_finds_host_and_port),
		cmocka_unit_test(names_of_dialogs_are_hidden),
		TEST(a_recording_is_shown_without_them),
		TEST(text_has_a_line_before_each),
		TEST(json_has_times_and_labels),
		TEST(nothing_is_an_empty_list),
		TEST(local_is_what_our_contact_says),
		TEST(more_than_fits_is_enobufs),
		TEST(wireshark_reads),
		TEST(wireshark_has_no_complaint),
		TEST(wireshark_is_not_thrown_off_by_removed_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
