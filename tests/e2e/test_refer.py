"""REFER: an authorized client asks the server to call a recording client."""
import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.server import World, wait_for
from lib.sipc import request
from test_dialout import Source


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
    assert r.status == 202 and "+sip.srs" in r.get("contact")
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
    assert r.status == 202
    notified(client, d)
    src.answer(src.recv("INVITE"), 486)
    assert src.recv("ACK")
    assert notified(client, d) == ("SIP/2.0 503 Service Unavailable", "terminated")
    src.close()


@pytest.mark.parametrize("extra", ["Refer-Sub: false", "Require: nosub"])
def test_no_subscription_on_request(client, world, extra):
    src = Source()
    _, r = refer(client, world.access_token, f"<{src.uri}>", [extra])
    assert r.status == 202 and r.get("refer-sub") == "false"
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
    r = refer(client, world.access_token, "<sip:a@127.0.0.1:9>", ["Require: explicitsub"])[1]
    assert r.status == 420 and r.get("unsupported") == "explicitsub"
    d, r = refer(client, world.access_token, "<sip:a@192.0.2.1:9>")  # dial_to does not name it
    assert r.status == 202
    assert notified(client, d)[0] == "SIP/2.0 100 Trying"
    assert notified(client, d) == ("SIP/2.0 403 Forbidden", "terminated")
    assert Catalog(world.server).recordings() == []
