"""Sentences of RFCs that a recording server has to keep; docs/conformance.md names them."""
import pathlib
import socket
import struct

import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.server import World
from lib.sipc import request
from test_sip_calls import PEOPLE, PORTS, call
from test_torture import ANYTHING

ALLOW = "Allow: INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS"


@pytest.fixture
def client(world):
    c = sipc.SipClient(world.server.sip["udp"])
    yield c
    c.close()


# -- RFC 3261


def test_options_in_a_call_says_what_it_says_outside(client, world):
    """11.2: Allow, Accept, Accept-Encoding, Accept-Language, Supported."""
    o = client.dialog(token=None)
    o.request("OPTIONS")
    outside = o.final()
    accept = [x.strip() for x in outside.get("accept").split(",")]
    assert {"application/sdp", "application/rs-metadata", "multipart/mixed"} <= set(accept)
    assert outside.get("accept-encoding") == "identity" and outside.get("accept-language")
    assert "+sip.srs" in outside.get("contact")
    d, _ = call(client, world)
    d.request("OPTIONS")
    inside = d.final()
    for name in ("allow", "accept", "accept-encoding", "accept-language", "supported"):
        assert inside.get(name) == outside.get(name)
    assert d.bye().status == 200


def test_unknown_extension_in_options_is_420(client, world):
    """8.2.2.3, and RFC 4475 3.3.5."""
    o = client.dialog(token=None)
    o.request("OPTIONS", extra=["Require: siprec, unheard-of", "Require: timer,Outlandish"])
    r = o.final()
    assert r.status == 420 and r.get("unsupported") == "unheard-of, Outlandish"


def test_unknown_extension_in_an_invite_is_recorded(client, world):
    d, r = call(client, world, extra=["Require: unheard-of"])
    assert r.status == 200 and "unheard-of" not in r.get("require")
    Catalog(world.server).wait_warning("sip.require_ignored")
    assert d.bye().status == 200


@pytest.mark.parametrize("kind,body", [
    ("application/unheard-of", "<a/>"),
    ("multipart/mixed;boundary=b", "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n")])
def test_body_of_another_type_is_415(client, world, kind, body):
    """8.2.3: with an Accept of what is understood."""
    d = client.dialog(token=world.access_token)
    r = d.invite(PORTS, PEOPLE, body=body, ctype=kind)
    assert r.status == 415
    assert "application/sdp" in r.get("accept") and "multipart/mixed" in r.get("accept")


def test_unknown_method_is_501_and_another_scheme_416(client, world):
    """21.5.2, 8.2.2.1; RFC 4475 3.1.1.5, 3.3.2."""
    d, _ = call(client, world)
    for x in (client.dialog(token=None), d):
        x.request("FROBNICATE")
        r = x.final()
        assert r.status == 501 and "INVITE" in r.get("allow")
    o = client.dialog(token=None)
    o.target = "unheard-of:somebody"
    o.request("OPTIONS")
    assert o.final().status == 416
    assert d.bye().status == 200


# -- RFC 4028


@pytest.mark.parametrize("refresher", ["uac", "uas"])
def test_session_timer_is_required_in_the_answer(client, world, refresher):
    """9: MUST for the client's refreshing, SHOULD for ours; never unless it supports timers."""
    d, r = call(client, world, extra=["Supported: timer", ALLOW,
                                      f"Session-Expires: 1800;refresher={refresher}"])
    assert r.get("session-expires") == f"1800;refresher={refresher}"
    assert [x.strip() for x in r.get("require").split(",")] == ["siprec", "timer"]
    assert d.bye().status == 200
    d, r = call(client, world, extra=["Session-Expires: 1800"])
    assert r.get("require") == "siprec" and not r.get("session-expires")
    assert d.bye().status == 200


def test_short_session_timer_is_422_with_min_se(client, world):
    _, r = call(client, world, extra=["Supported: timer", "Session-Expires: 89"])
    assert r.status == 422 and int(r.get("min-se")) >= 90


def test_our_requests_support_timers(client, world):
    """7.1: Supported: timer in each request but ACK."""
    d, _ = call(client, world, extra=[ALLOW])
    world.server.cli("grant", "revoke", world.grant_id)
    bye = request(client)
    assert bye.method == "BYE" and "timer" in bye.get("supported")
    assert bye.get("reason").startswith("SIP;cause=403;text=")  # RFC 3326
    assert bye.get("max-forwards") == "70" and bye.get("user-agent").startswith("srs/")
    d.answer(bye)


# -- RFC 3261 again: order, packed bodies, who is answered where


def test_packed_body_is_415(client, world):
    d = client.dialog(token=world.access_token)
    r = d.invite(PORTS, PEOPLE, body="\x1f\x0b not ours", ctype="application/sdp",
                 extra=["Content-Encoding: gzip"])
    assert r.status == 415 and r.get("accept-encoding") == "identity"


def test_request_out_of_order_is_500(client, world):
    """12.2.2: a re-INVITE that was overtaken must not undo the later one."""
    d, _ = call(client, world)
    d.cseq = 50
    assert d.invite(PORTS, PEOPLE, direction="inactive").status == 200
    d.request("UPDATE", body=sipc.sdp(PORTS), ctype="application/sdp", cseq=40)
    assert d.final().status == 500
    assert Catalog(world.server).events().count(("hold", 0)) == 1
    assert ("resume", 0) not in Catalog(world.server).events()
    assert d.bye().status == 200


def test_answer_goes_where_the_request_came_from(client, world):
    """RFC 3581: a Via with rport, and an address that is not ours."""
    d = client.dialog(token=None)
    real = client.hostport
    client.hostport = "192.0.2.1:9"
    d.request("OPTIONS")
    client.hostport = real
    via = d.final().get("via")
    assert f"rport={client.port}" in via and "received=127.0.0.1" in via


# -- RFC 3264


def test_times_of_the_answer_are_those_of_the_offer(client, world):
    """6: "t=" MUST equal that of the offer; also where we ask for a pause later."""
    _, r = call(client, world,
                sdp_text=sipc.sdp(PORTS).replace("t=0 0", "t=3338481189 3370017201"))
    assert b"\r\nt=3338481189 3370017201\r\n" in r.body


# -- RFC 7866


def test_contact_names_a_recorder_in_every_answer(client, world):
    """6.2: +sip.srs in dialog creating and modifying requests and responses."""
    d, r = call(client, world)
    assert "+sip.srs" in r.get("contact")
    assert "+sip.srs" in d.update(sipc.metadata(PEOPLE)).get("contact")
    assert "+sip.srs" in d.invite(PORTS, PEOPLE).get("contact")
    assert d.bye().status == 200


# -- RTP and RTCP (RFC 3550, 7866 section 8)


def pair():
    """An even port and the next one, both ours."""
    while True:
        rtp, rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        rtp.bind(("127.0.0.1", 0))
        port = rtp.getsockname()[1]
        try:
            if port % 2 == 0:
                rtcp.bind(("127.0.0.1", port + 1))
                return rtp, rtcp, port
        except OSError:
            pass
        rtp.close()
        rtcp.close()


@pytest.mark.parametrize("mux", [False, True])
def test_receiver_reports_come_from_where_rtcp_goes(client, world, mux):
    """8.1.1, 8.1.8: support for RTCP, symmetric; with a CNAME (8.1.5.1)."""
    rtp, rtcp, port = pair()
    text = sipc.sdp([port]) + ("a=rtcp-mux\r\n" if mux else "")
    d, r = call(client, world, sdp_text=text)
    there = r.ports()[0]
    assert (b"a=rtcp-mux" in r.body) == mux
    waits = rtp if mux else rtcp
    waits.settimeout(0.02)
    for seq in range(400):
        rtp.sendto(struct.pack("!BBHII", 0x80, 0, seq, 160 * seq, 0x77) + bytes(160),
                   ("127.0.0.1", there))
        try:
            report, source = waits.recvfrom(2048)
            break
        except TimeoutError:
            pass
    else:
        raise AssertionError("no report")
    assert source[1] == there + (0 if mux else 1)
    assert report[1] == 201 and report[8:12] == struct.pack("!I", 0x77)
    sdes = report[4 * (1 + struct.unpack("!H", report[2:4])[0]):]
    assert sdes[1] == 202 and sdes[8] == 1 and sdes[9] > 0  # one chunk, its first item a CNAME
    assert d.bye().status == 200
    rtp.close()
    rtcp.close()


# -- RFC 7865 and 8068: their own examples

FLOWS = {  # files -> who is left, whose the lines are by ord (-2: several), warnings
    "7865": (["rfc7865/complete", "rfc7865/partial"], ["Paul"], [0, 0, 1, 1], set()),
    "hold": (["rfc8068/3.2.1-call", "rfc8068/3.2.2-hold"], ["Alice", "Bob"], [0, 0, 1, 1], set()),
    "resume": (["rfc8068/3.2.1-call", "rfc8068/3.2.2-hold", "rfc8068/3.2.2-resume"],
               ["Alice", "Bob"], [0, 0, 1, 1], set()),
    # the new streams of the RFC's message are described nowhere
    "re-INVITE transfer": (["rfc8068/3.2.1-call", "rfc8068/3.2.3-transfer-invite"],
                           ["Bob", "Carol"], [2, 0, 1, 1], {"metadata.attributed_by_order"}),
    "REFER transfer": (["rfc8068/3.2.1-call", "rfc8068/3.2.3-transfer-refer-1",
                        "rfc8068/3.2.3-transfer-refer-2"], ["Bob", ""], [2, 2, 1, 1], set()),
    "disconnect": (["rfc8068/3.2.1-call", "rfc8068/3.2.4-disconnect"], [], [0, 0, 1, 1], set()),
    "mixed": (["rfc8068/3.3.1-mixed", "rfc8068/3.3.2-mixed-hold", "rfc8068/3.3.2-mixed-resume",
               "rfc8068/3.3.3-join", "rfc8068/3.3.3-drop"], ["Bob", "Carol"], [-2],
              {"metadata.mixed_line"}),
    "persistent": (["rfc8068/3.2.1-call", "rfc8068/3.4.1-persistent-disconnect"], [],
                   [0, 0, 1, 1], set()),
    "two sessions": (["rfc8068/3.5-two-sessions"], ["Alice", "Bob", "Carol"], [-2],
                     {"metadata.mixed_line"}),
}
DATA = pathlib.Path(__file__).resolve().parents[1] / "data"


def offer(n):
    """An audio line, or as RFC 8068 has it: audio and video of each side."""
    lines = [("audio", 96), ("video", 97), ("audio", 98), ("video", 99)][:n]
    return ("v=0\r\no=SRS 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            + "".join(f"m={kind} {40000 + label} RTP/AVP {0 if kind == 'audio' else 96}\r\n"
                      + ("a=rtpmap:96 H264/90000\r\n" if kind == "video" else "")
                      + f"a=label:{label}\r\na=sendonly\r\n" for kind, label in lines))


@pytest.mark.parametrize("flow", FLOWS)
def test_examples_of_the_rfcs_are_understood(start, flow):
    files, people, owners, warnings = FLOWS[flow]
    world = World(start(), details=ANYTHING)
    client = sipc.SipClient(world.server.sip["udp"])
    d = client.dialog(token=world.access_token)
    xml = [(DATA / f"{f}.xml").read_text() for f in files]
    assert d.invite([], [], sdp_text=offer(len(owners)), xml=xml[0]).status == 200
    for text in xml[1:]:
        assert d.update(text, "application/rs-metadata").status == 200
    cat = Catalog(world.server)
    assert [p["name"] or "" for p in cat.rows(
        "SELECT name FROM participants WHERE coalesce(left_us, 0) = 0 ORDER BY ord")] == people
    audio = [r["participant"] for r in cat.rows(
        "SELECT participant FROM streams WHERE media = 'audio' ORDER BY idx")]
    assert audio == owners[::2]
    assert {w for w in cat.warnings() if w.startswith("metadata.")} == warnings
    assert d.bye().status == 200
    client.close()
