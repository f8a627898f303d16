"""Sentences of RFCs that a recording server has to keep; docs/conformance.md names them."""
import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.sipc import request
from test_sip_calls import PEOPLE, PORTS, call

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


def test_prack_of_nothing_is_481(client, world):
    """RFC 3262 section 3: no provisional answer of ours but 100 exists."""
    d, _ = call(client, world, extra=["Require: 100rel"])
    d.request("PRACK", extra=["RAck: 1 1 INVITE"])
    assert d.final().status == 481
    assert d.bye().status == 200


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
