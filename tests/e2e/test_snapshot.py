"""The server asks for a complete description, where the client said that it answers that."""
from xml.etree import ElementTree

import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.server import ALICE, BOB, CAROL, World, wait_for
from lib.sipc import request
from test_sip_calls import PEOPLE, PORTS

TELLS = ["Allow: INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS",
         "Accept: application/sdp, application/rs-metadata"]
DRAFT = [TELLS[0], "Accept: application/sdp, application/rs-metadata-request"]
NS = "{urn:ietf:params:xml:ns:recording:1}"


@pytest.fixture
def client(world):
    c = sipc.SipClient(world.server.sip["udp"])
    yield c
    c.close()


def names(cat):
    return [p["aor"] for p in cat.rows("SELECT aor FROM participants ORDER BY ord")]


def reply(client, m, body="", status=200):
    lines = [f"SIP/2.0 {status} Fine"]
    lines += [f"{n}: {v}" for n, v in m.headers if n in ("via", "from", "to", "call-id", "cseq")]
    if body:
        lines.append("Content-Type: application/rs-metadata+xml")
    client.send("\r\n".join(lines + [f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body)


def blind_call(client, world, extra):
    d = client.dialog(token=world.access_token)
    r = d.invite(PORTS, PEOPLE, body=sipc.sdp(PORTS), ctype="application/sdp", extra=extra)
    assert r.status == 200
    return d


def asked(client):
    m = request(client)
    assert m.method == "UPDATE" and m.get("content-type") == "application/rs-metadata"
    assert m.get("content-disposition") == "recording-session"
    assert "application/rs-metadata" in m.get("accept") and "+sip.srs" in m.get("contact")
    root = ElementTree.fromstring(m.body)
    assert root.tag == NS + "requestsnapshot" and len(root) == 1
    assert root[0].tag == NS + "requestreason" and root[0].text
    return m


def test_description_in_the_answer_is_taken(client, world):
    d = blind_call(client, world, TELLS)
    reply(client, asked(client), sipc.metadata(PEOPLE))
    cat = Catalog(world.server)
    wait_for(lambda: names(cat) == [ALICE, BOB], 10, "both are known")
    rows = cat.rows("SELECT participant FROM streams ORDER BY idx")
    assert [r["participant"] for r in rows] == [0, 1]
    assert d.bye().status == 200


def test_description_in_a_request_is_taken(client, world):
    d = blind_call(client, world, TELLS)
    reply(client, asked(client))
    assert d.update(sipc.metadata(PEOPLE)).status == 200
    assert names(Catalog(world.server)) == [ALICE, BOB]
    assert d.bye().status == 200


def test_contradiction_is_asked_about(client, world):
    d = client.dialog(token=world.access_token)
    xml = sipc.metadata(PEOPLE).replace("<send>s1</send>", "<send>nobody-described-this</send>")
    assert d.invite(PORTS, PEOPLE, xml=xml, extra=TELLS).status == 200
    m = asked(client)
    assert b"not described" in m.body
    reply(client, m, sipc.metadata(PEOPLE + [(CAROL, "Carol")]))
    cat = Catalog(world.server)
    wait_for(lambda: CAROL in names(cat), 10, "the answer's description")
    assert d.bye().status == 200


def test_refusal_is_asked_no_more(client, world):
    d = blind_call(client, world, TELLS)
    reply(client, asked(client), status=415)
    Catalog(world.server).wait_warning("metadata.snapshot_refused")
    assert d.bye().status == 200


def test_form_before_the_rfc_is_asked_where_only_that_is_known(client, world):
    d = blind_call(client, world, DRAFT)
    m = request(client)
    assert m.get("content-type") == "application/rs-metadata-request"
    assert m.get("content-disposition") == "recording-session"
    assert m.body.startswith(b"SRS-Reason: ") and m.body.endswith(b"\r\n")
    reply(client, m, sipc.metadata(PEOPLE))
    cat = Catalog(world.server)
    wait_for(lambda: names(cat) == [ALICE, BOB], 10, "both are known")
    assert d.bye().status == 200


def test_silence_is_no_reason_to_hang_up(start):
    """The UPDATE is never answered: the call goes on."""
    world = World(start({"sip": {"t1": "20ms"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    d = blind_call(client, world, TELLS)
    asked(client)
    Catalog(world.server).wait_warning("metadata.snapshot_refused", 20)
    while client.recv(0.3):
        pass
    d.request("OPTIONS")
    assert d.final().status == 200
    assert d.bye().status == 200
    client.close()


def test_nobody_else_is_asked(client, world):
    d = blind_call(client, world, TELLS[:1])
    assert client.recv(0.8) is None
    assert d.bye().status == 200
