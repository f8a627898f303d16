"""REFER: an authorized client asks the server to call a recording client."""
import re

import pytest

from lib import mutate, sipc
from lib.catalog import Catalog
from lib.server import ALICE, BOB, World, wait_for
from lib.sipc import request
from test_dialout import Source

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


@pytest.fixture
def world(start):
    return World(start({"sip": {"listen": "udp:127.0.0.1:0", "dial_to": "127.0.0.1"}}))


@pytest.fixture
def client(world):
    c = sipc.SipClient(world.server.sip["udp"])
    yield c
    c.close()


def refer(client, token, to, extra=()):
    d = client.dialog()
    lines = [f"Refer-To: {to}", f"Contact: <sip:sbc@{client.hostport}>"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    d.request("REFER", extra=lines + list(extra))
    return d, d.final()


def notified(client, d):
    m = request(client)
    assert m.method == "NOTIFY" and m.get("event") == "refer"
    assert m.get("content-type").startswith("message/sipfrag")
    d.answer(m)
    return m.body.split(b"\r\n")[0].decode(), m.get("subscription-state").split(";")[0]


def test_client_makes_us_call(client, world):
    src = Source()
    d, r = refer(client, world.access_token, f"<{src.uri}>")
    assert r.status == 200 and "+sip.srs" in r.get("contact")
    assert notified(client, d) == ("SIP/2.0 100 Trying", "active")
    inv = src.recv("INVITE")
    assert inv.get("require") == "siprec"
    src.answer(inv, 200, sipc.sdp([40000, 40002]))
    assert src.recv("ACK")
    assert notified(client, d) == ("SIP/2.0 200 OK", "terminated")
    cat = Catalog(world.server)
    row, = cat.recordings()
    assert row["grant_id"] == world.grant_id
    entry = wait_for(lambda: cat.audit("recording.record"), what="the audit entry")[0]
    assert entry["actor"] == f"client:{world.client_id}"
    assert src.request(inv, "BYE", 1).status == 200
    src.close()


def test_client_is_told_of_a_refusal(client, world):
    src = Source()
    d, r = refer(client, world.access_token, src.uri)
    assert r.status == 200
    notified(client, d)
    src.answer(src.recv("INVITE"), 486)
    assert src.recv("ACK")
    assert notified(client, d) == ("SIP/2.0 486 Busy Here", "terminated")
    src.close()


@pytest.mark.parametrize("extra", ["Refer-Sub: false", "Require: nosub"])
def test_no_subscription_on_request(client, world, extra):
    src = Source()
    _, r = refer(client, world.access_token, f"<{src.uri}>", [extra])
    assert r.status == 200 and r.get("refer-sub") == "false"
    inv = src.recv("INVITE")
    src.answer(inv, 200, sipc.sdp([40000, 40002]))
    assert src.recv("ACK")
    assert client.recv(0.5) is None
    assert src.request(inv, "BYE", 1).status == 200
    src.close()


def test_what_is_refused(client, world):
    assert refer(client, None, "<sip:a@127.0.0.1:9>")[1].status == 401
    assert refer(client, "srs_at_forged", "<sip:a@127.0.0.1:9>")[1].status == 401
    assert refer(client, world.access_token, "<sip:a@127.0.0.1:9?Subject=x>")[1].status == 400
    r = refer(client, world.access_token, "<sip:a@127.0.0.1:9>", ["Require: multiple-refer"])[1]
    assert r.status == 420 and r.get("unsupported") == "multiple-refer"
    d, r = refer(client, world.access_token, "<sip:a@192.0.2.1:9>")  # dial_to does not name it
    assert r.status == 200
    assert notified(client, d)[0] == "SIP/2.0 100 Trying"
    assert notified(client, d) == ("SIP/2.0 403 Forbidden", "terminated")
    assert Catalog(world.server).recordings() == []


# ---- in another transport's or client's hands


def test_too_many_at_once(client, world):
    busy = None
    for _ in range(40):
        _, r = refer(client, world.access_token, "<sip:a@192.0.2.1:9>", ["Require: nosub"])
        if r.status == 503:
            busy = r
            break
        assert r.status == 200
    assert busy and int(busy.get("retry-after")) > 0


@pytest.mark.parametrize("to", [
    "<sip:a@127.0.0.1:9;method=BYE>", "<sip:a@127.0.0.1:9;maddr=192.0.2.1>",
    "<sip:a@127.0.0.1:9?Replaces=x>", "<sip:a@127.0.0.1:9?Route=%3Csip:192.0.2.1%3E>",
    "<sip:a@127.0.0.1:9>, <sip:b@127.0.0.1:9>", "<http://127.0.0.1/>",
    "<sip:" + "a" * 1600 + "@127.0.0.1>"])
def test_what_a_refer_to_may_not_be(client, world, to):
    _, r = refer(client, world.access_token, to)
    assert r.status == 400 and r.get("warning")


def test_options_says_what_we_do(client, world):
    d = client.dialog()
    d.request("OPTIONS")
    r = d.final()
    for word in ("norefersub", "nosub", "explicitsub"):
        assert word in r.get("supported")
    assert "SUBSCRIBE" in r.get("allow")


# ---- explicit subscriptions (RFC 7614)


def subscribe(client, uri, token, extra=(), expires=60, event="refer"):
    d = client.dialog()
    d.target = uri
    lines = [f"Contact: <sip:sbc@{client.hostport}>", f"Expires: {expires}"]
    if event:
        lines.append(f"Event: {event}")
    if token:
        lines.append(f"Authorization: Bearer {token}")
    d.request("SUBSCRIBE", extra=lines + list(extra))
    r = d.final()
    if r.status == 200:
        d.to_tag = re.search(r";tag=([^;>\s]+)", r.get("to"))[1]
        d.target = re.search(r"<([^>]+)>", r.get("contact"))[1]
    return d, r


def again(d, expires, event="refer"):
    d.request("SUBSCRIBE", extra=[f"Event: {event}", f"Expires: {expires}",
                                  f"Contact: <sip:sbc@{d.c.hostport}>"])
    return d.final()


def explicit(client, world, src, to=None):
    _, r = refer(client, world.access_token, to or f"<{src.uri}>", ["Require: explicitsub"])
    assert r.status == 200, r.raw
    uri = re.fullmatch(r"<(sip:refer-[0-9a-f]{32}@[^>]+)>", r.get("refer-events-at"))[1]
    return uri, r


def test_explicit_subscription(client, world):
    src = Source()
    uri, r = explicit(client, world, src)
    assert "refer-sub" not in dict(r.headers)
    inv = src.recv("INVITE")
    d, r = subscribe(client, uri, world.access_token, expires=50)
    assert r.status == 200 and int(r.get("expires")) == 50
    m = request(client)
    assert m.method == "NOTIFY" and m.get("call-id") == d.call_id and m.get("event") == "refer"
    assert m.get("subscription-state") in ("active;expires=50", "active;expires=49")
    assert m.body == b"SIP/2.0 100 Trying\r\n"
    d.answer(m)
    r = again(d, 20)  # a refresh tells the state again
    assert r.status == 200 and r.get("expires") == "20"
    assert notified(client, d) == ("SIP/2.0 100 Trying", "active")
    src.answer(inv, 200, sipc.sdp([40000, 40002]))
    assert src.recv("ACK")
    assert notified(client, d) == ("SIP/2.0 200 OK", "terminated")
    wait_for(lambda: again(d, 20).status == 481, what="the subscription is gone")
    # the state is kept: who comes later hears the end
    d, r = subscribe(client, uri, world.access_token)
    assert r.status == 200
    assert notified(client, d) == ("SIP/2.0 200 OK", "terminated")
    assert src.request(inv, "BYE", 1).status == 200
    src.close()


def test_unsubscribe_and_expiry(client, world):
    src = Source()
    uri, _ = explicit(client, world, src)
    inv = src.recv("INVITE")
    d, r = subscribe(client, uri, world.access_token)
    assert notified(client, d) == ("SIP/2.0 100 Trying", "active")
    assert again(d, 0).status == 200
    m = request(client)
    assert m.get("subscription-state") == "terminated;reason=timeout"
    d.answer(m)
    d, r = subscribe(client, uri, world.access_token, expires=1)
    assert notified(client, d) == ("SIP/2.0 100 Trying", "active")
    m = request(client)  # after a second
    assert m.get("subscription-state") == "terminated;reason=timeout"
    d.answer(m)
    d, r = subscribe(client, uri, world.access_token, expires=0)  # only asks
    m = request(client)
    assert m.get("subscription-state") == "terminated;reason=timeout"
    assert m.body == b"SIP/2.0 100 Trying\r\n"
    d.answer(m)
    src.answer(inv, 486)  # that nobody listens does not end what was asked
    assert src.recv("ACK")
    src.close()


def test_who_may_subscribe(client, world):
    src = Source()
    uri, _ = explicit(client, world, src)
    inv = src.recv("INVITE")
    other = World(world.server, tenant="other")
    assert subscribe(client, uri, None)[1].status == 401
    assert subscribe(client, uri, other.access_token)[1].status == 403
    for event in (None, "presence", "refer;id=a b"):
        r = subscribe(client, uri, world.access_token, event=event)[1]
        assert r.status == 489 and r.get("allow-events") == "refer"
    assert subscribe(client, uri, world.access_token, ["Accept: text/plain"])[1].status == 406
    wrong = re.sub("refer-[0-9a-f]{4}", "refer-0000", uri)
    assert subscribe(client, wrong, world.access_token)[1].status == 404
    assert subscribe(client, "sip:srs@127.0.0.1", world.access_token)[1].status == 404
    dialogs = [subscribe(client, uri, world.access_token)[0] for _ in range(4)]
    for d in dialogs:
        assert notified(client, d)[1] == "active"
    assert subscribe(client, uri, world.access_token)[1].status == 503  # four are enough
    d = client.dialog()
    d.to_tag, d.target = "nothing", uri
    assert again(d, 60).status == 481
    src.answer(inv, 603)
    assert src.recv("ACK")
    for d in dialogs:
        assert notified(client, d) == ("SIP/2.0 603 Decline", "terminated")
    src.close()


def test_implicit_subscription_can_be_ended(client, world):
    src = Source()
    d, r = refer(client, world.access_token, f"<{src.uri}>")
    d.to_tag = re.search(r";tag=([^;>\s]+)", r.get("to"))[1]
    d.target = re.search(r"<([^>]+)>", r.get("contact"))[1]
    assert notified(client, d) == ("SIP/2.0 100 Trying", "active")
    assert again(d, 0).status == 200
    assert notified(client, d)[1] == "terminated"
    inv = src.recv("INVITE")
    src.answer(inv, 200, sipc.sdp([40000, 40002]))
    assert src.recv("ACK")  # what was asked for goes on
    assert src.request(inv, "BYE", 1).status == 200
    src.close()


def test_notify_that_is_refused_ends_the_subscription(client, world):
    src = Source()
    d, r = refer(client, world.access_token, f"<{src.uri}>")
    d.answer(request(client), 481, "Gone")
    inv = src.recv("INVITE")
    src.answer(inv, 486)
    assert src.recv("ACK")
    assert client.recv(0.7) is None
    src.close()


# ---- in the dialog of a recording session


def call(client, world, src_count=2, extra=()):
    d = client.dialog(token=world.access_token)
    r = d.invite([40000 + 2 * i for i in range(src_count)], PEOPLE, extra=extra)
    assert r.status == 200, r.raw
    return d


def refer_within(d, to, extra=()):
    d.request("REFER", extra=[f"Refer-To: {to}", f"Contact: <sip:sbc@{d.c.hostport}>", *extra])
    return d.final()


def test_refer_within_a_session_starts_another(client, world):
    src = Source()
    d = call(client, world)
    r = refer_within(d, f"<{src.uri}>;streams=1")
    assert r.status == 200 and "explicitsub" in r.get("supported")
    n = d.cseq
    m = request(client)
    assert m.method == "NOTIFY" and m.get("call-id") == d.call_id
    assert m.get("event") == f"refer;id={n}" and m.body == b"SIP/2.0 100 Trying\r\n"
    d.answer(m)
    inv = src.recv("INVITE")
    src.answer(inv, 200, sipc.sdp([40000, 40002]))
    ports = src.recv("ACK").ports()
    assert ports[0] and ports[1] == 0
    m = request(client)
    assert m.body == b"SIP/2.0 200 OK\r\n" and m.get("event") == f"refer;id={n}"
    d.answer(m)
    assert again(d, 60, f"refer;id={n}").status in (200, 481)
    rows = Catalog(world.server).recordings()
    assert len(rows) == 2 and {row["grant_id"] for row in rows} == {world.grant_id}
    assert d.bye().status == 200
    assert src.request(inv, "BYE", 1).status == 200
    src.close()


def test_notify_outlives_the_session(client, world):
    src = Source()
    d = call(client, world)
    assert refer_within(d, f"<{src.uri}>").status == 200
    d.answer(request(client))
    inv = src.recv("INVITE")
    assert d.bye().status == 200
    wait_for(lambda: Catalog(world.server).recordings()[0]["state"] != "recording", what="the end")
    src.answer(inv, 486)
    assert src.recv("ACK")
    m = request(client)
    assert m.get("call-id") == d.call_id and m.body == b"SIP/2.0 486 Busy Here\r\n"
    d.answer(m)
    src.close()


def test_refer_within_without_subscription(client, world):
    src = Source()
    d = call(client, world)
    assert refer_within(d, f"<{src.uri}>", ["Require: nosub"]).get("refer-sub") == "false"
    inv = src.recv("INVITE")
    src.answer(inv, 486)
    assert src.recv("ACK")
    r = refer_within(d, f"<{src.uri}>", ["Require: explicitsub"])
    uri = re.fullmatch(r"<(.+)>", r.get("refer-events-at"))[1]
    inv = src.recv("INVITE")
    s, r = subscribe(client, uri, world.access_token)
    assert r.status == 200 and notified(client, s)[1] == "active"
    src.answer(inv, 486)
    assert src.recv("ACK")
    assert notified(client, s) == ("SIP/2.0 486 Busy Here", "terminated")
    assert d.bye().status == 200
    src.close()


def test_refer_within_from_elsewhere(client, world):
    d = call(client, world)
    other = sipc.SipClient(world.server.sip["udp"], local="127.0.0.2")
    d.c, mine = other, d.c
    assert refer_within(d, "<sip:a@127.0.0.1:9>").status == 403
    d.c = mine
    assert d.bye().status == 200
    other.close()


def test_event_of_nothing_within_a_session(client, world):
    d = call(client, world)
    assert again(d, 60, "presence").status == 489
    assert again(d, 60, "refer;id=7").status == 481
    d.request("NOTIFY", extra=["Event: refer", "Subscription-State: active"])
    assert d.final().status == 405
    assert d.bye().status == 200


# ---- malformed ones

TEMPLATES = {
    "refer": b"REFER sip:srs@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:@PORT@;branch=z9hG4bK@ID@\r\n"
             b"Max-Forwards: 70\r\nFrom: <sip:sbc@voip.example>;tag=@ID@\r\nTo: <sip:srs@127.0.0.1>\r\n"
             b"Call-ID: @ID@\r\nCSeq: @CSEQ@ REFER\r\nContact: <sip:sbc@127.0.0.1:@PORT@>\r\n"
             b"Refer-To: <sip:a@127.0.0.1:9;transport=udp?Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df"
             b"&Require=replaces>;streams=2\r\nTarget-Dialog: a@b;local-tag=x;remote-tag=y\r\n"
             b"Require: explicitsub\r\nAuthorization: Bearer @TOKEN@\r\nContent-Length: 0\r\n\r\n",
    "subscribe": b"SUBSCRIBE sip:refer-@KEY@@127.0.0.1 SIP/2.0\r\n"
                 b"Via: SIP/2.0/UDP 127.0.0.1:@PORT@;branch=z9hG4bK@ID@\r\nMax-Forwards: 70\r\n"
                 b"From: <sip:sbc@voip.example>;tag=@ID@\r\nTo: <sip:srs@127.0.0.1>\r\n"
                 b"Call-ID: @ID@\r\nCSeq: @CSEQ@ SUBSCRIBE\r\nContact: <sip:sbc@127.0.0.1:@PORT@>\r\n"
                 b"Event: refer;id=7\r\nExpires: 2\r\nAccept: message/sipfrag\r\n"
                 b"Authorization: Bearer @TOKEN@\r\nContent-Length: 0\r\n\r\n",
}


def test_malformed_ones_hurt_nothing(client, world):
    src = Source()
    uri, _ = explicit(client, world, src)
    inv = src.recv("INVITE")
    before = world.server.roles()["sip"]
    key = re.search("refer-([0-9a-f]+)", uri)[1].encode()
    raw = sipc.SipClient(world.server.sip["udp"])
    raw.sock.setblocking(False)
    for n, (_, data) in enumerate(mutate.variants(20261, 1500, TEMPLATES)):
        data = data.replace(b"@PORT@", b"%d" % raw.port).replace(b"@KEY@", key)
        data = data.replace(b"@TOKEN@", world.access_token.encode())
        try:
            raw.sock.send(data[:60000])
            while raw.sock.recv(65536):
                pass
        except OSError:
            pass
        if n % 50 == 0:  # nothing waits in its socket
            d = client.dialog()
            d.request("OPTIONS")
            assert d.final(30).status == 200
    src.answer(inv, 486)
    assert src.recv("ACK")
    d = call(client, world)
    assert d.bye().status == 200
    assert world.server.roles()["sip"] == before
    raw.close()
    src.close()
