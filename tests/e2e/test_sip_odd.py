"""What real clients get wrong is recorded all the same; what nobody can understand hurts nobody."""
import os
import random
import re

import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.server import ALICE, BOB, wait_for

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
PORTS = [40000, 40002]


@pytest.fixture
def client(world):
    c = sipc.SipClient(world.server.sip["udp"])
    yield c
    c.close()


def rewriting(client, *pairs):
    """Every outgoing message goes through these substitutions (bytes regex)."""
    send = client.send

    def changed(data):
        data = data if isinstance(data, bytes) else data.encode()
        for old, new in pairs:
            data = re.sub(old, new, data)
        send(data)
    client.send = changed


def whole_call(client, world, **kw):
    d = client.dialog(token=world.access_token)
    r = d.invite(PORTS, PEOPLE, **kw)
    assert r.status == 200, r.raw
    bye = d.bye()
    assert bye.status == 200, bye.raw
    Catalog(world.server).wait_ended()
    return r


@pytest.mark.parametrize("old,new", [
    (rb"Contact: <([^>]*)>;\+sip.src", rb"Contact: <\1>; +sip.src"),
    (rb"Contact: <([^>]*)>;\+sip.src", rb"Contact: <\1;+sip.src>"),
    (rb"Contact: <([^>;]*)[^>]*>;\+sip.src", rb"Contact: \1;+sip.src"),
    (rb"Contact: <([^>]*)>;\+sip.src", rb"Contact: <\1>;src"),
    (rb"Require: siprec\r\n", rb"Supported:\r\n"),
    (rb"Require: siprec\r\n", rb"Require: siprec\r\nRecv-Info:\r\nProxy-Require: privacy\r\n"),
    (rb"Require: siprec\r\n", rb"Require: 100rel,siprec\r\nSupported: 100rel\r\n"),
    (rb"Require: siprec\r\n", rb"Require:siprec,unheard-of\r\n"),
    (rb"From: <", rb'From: "S B C"<'),
    (rb"From: ", rb"From:"),
    (rb"CSeq: (\d) ", rb"CSeq: 214748300\1 "),
    (rb"Max-Forwards: 70\r\n", rb""),
    (rb"Max-Forwards: 70\r\n", rb"Max-Forwards: 70\r\nMax-Forwards: 70\r\n"),
    (rb"Content-Type: multipart", rb"c:multipart"),
    (rb"Content-Length: \d+\r\n(?=\r\n-)", rb""),
    (rb"Content-Length: \d+\r\n(?=\r\n-)", rb"Content-Length: 9999\r\n"),
    (rb"(?s)(ACK .*?)To: ([^\r]*?);tag=[^\r]*", rb"\1To: \2"),
    (rb"(?s)(BYE .*?)To: ([^\r]*?);tag=[^\r]*", rb"\1To: \2"),
    (rb"(ACK|BYE) (sip:(?s:.)*CSeq: \d+) (ACK|BYE)", rb"\1 \2 INVITE"),
    (rb"\r\nVia: ", rb"\r\nDate: Sat, 99 Foo 2026\r\nWarning: nonsense\r\nVia: "),
])
def test_odd_envelope_is_recorded(client, world, old, new):
    changed = []
    rewriting(client, (old, lambda m: (changed.append(1), m.expand(new))[1]))
    whole_call(client, world)
    assert changed, "the oddity was sent"
    if old.startswith(b"(?s)(ACK"):
        assert "sip.ack_odd" in Catalog(world.server).warnings()


def test_large_invite_over_udp(client, world):
    whole_call(client, world, extra=[f"X-Filler-{i}: {'x' * 200}" for i in range(30)])


def test_plain_call_has_from_and_to_as_people(client, world):
    rewriting(client, (rb";\+sip.src", rb""), (rb"Require: siprec\r\n", rb""),
              (rb"From: <[^>]*>", rb"From: <" + ALICE.encode() + rb">"),
              (rb"To: <[^>]*>", rb"To: <" + BOB.encode() + rb">"))
    whole_call(client, world, body=sipc.sdp(PORTS), ctype="application/sdp")
    rows = Catalog(world.server).rows("SELECT aor FROM participants ORDER BY ord")
    assert [r["aor"] for r in rows] == [ALICE, BOB]


def test_cisco_participants(client, world):
    whole_call(client, world, body=sipc.sdp(PORTS), ctype="application/sdp",
               extra=[f'X-Cisco-Recording-Participant: {ALICE};media-index="0"',
                      f'X-Cisco-Recording-Participant: {BOB};media-index="1"'])
    rows = Catalog(world.server).rows("SELECT aor FROM participants ORDER BY ord")
    assert [r["aor"] for r in rows] == [ALICE, BOB]


def test_broken_metadata_is_recorded_with_a_warning(client, world):
    xml = sipc.metadata(PEOPLE).replace("<name>Alice</name>", "<name>Alice & Co</name>")
    whole_call(client, world, xml=xml)
    cat = Catalog(world.server)
    assert any(c.startswith("metadata.") for c in cat.warnings())
    assert len(cat.rows("SELECT * FROM participants")) == 2


def test_inactive_at_first(client, world):
    d = client.dialog(token=world.access_token)
    r = d.invite(PORTS, PEOPLE, direction="inactive")
    assert r.status == 200 and r.body.count(b"a=inactive") == 2 and all(r.ports())
    d.request("INVITE", sipc.sdp(PORTS, version=2), "application/sdp")
    r = d.final()
    d.request("ACK", cseq=d.cseq)
    assert r.body.count(b"a=recvonly") == 2
    d.bye()


def test_retransmitted_invite_is_one_call(client, world):
    d = client.dialog(token=world.access_token)
    body = sipc.multipart(sipc.sdp(PORTS), sipc.metadata(PEOPLE))
    sent = []
    send = client.send
    client.send = lambda data: (sent.append(data), send(data))
    d.request("INVITE", body, "multipart/mixed;boundary=unique-boundary")
    r = d.final()
    assert r.status == 200
    for _ in range(3):
        send(sent[0])
        again = d.final()
        assert again.status == 200 and again.get("to") == r.get("to")
    d.to_tag = re.search(r";tag=([^;>\s]+)", r.get("to"))[1]
    d.request("ACK", cseq=1)
    d.bye()
    assert len(Catalog(world.server).recordings()) == 1


def test_glare_is_491(client, world):
    d = client.dialog(token=world.access_token)
    d.invite(PORTS, PEOPLE)
    # two changes in one breath: one of them may be too early
    d.request("UPDATE", sipc.sdp(PORTS, direction="inactive", version=2), "application/sdp")
    d.request("UPDATE", sipc.sdp(PORTS, version=3), "application/sdp")
    got = sorted([d.final().status, d.final().status])
    assert got in ([200, 200], [200, 491])
    assert d.bye().status == 200


def test_noise_hurts_nobody(world):
    rng = random.Random(4)
    udp = sipc.SipClient(world.server.sip["udp"])
    tcp = sipc.SipClient(world.server.sip["tcp"], "tcp")
    good = []
    keep = udp.send
    udp.send = good.append
    d = udp.dialog(token=world.access_token)
    d.request("INVITE", sipc.multipart(sipc.sdp(PORTS), sipc.metadata(PEOPLE)),
              "multipart/mixed;boundary=unique-boundary")
    udp.send = keep
    for _ in range(400):
        data = bytearray(good[0])
        for _ in range(rng.randrange(1, 12)):
            how = rng.randrange(4)
            at = rng.randrange(len(data))
            if how == 0:
                data[at] = rng.randrange(256)
            elif how == 1:
                del data[at:at + rng.randrange(1, 40)]
            elif how == 2:
                data[at:at] = os.urandom(rng.randrange(1, 20))
            else:
                data[at:at] = data[:rng.randrange(200)]
        try:
            udp.send(bytes(data[:60000]))
        except OSError:
            pass
        if rng.random() < 0.1:
            try:
                tcp.send(bytes(data))
            except OSError:
                tcp = sipc.SipClient(world.server.sip["tcp"], "tcp")
    fresh = sipc.SipClient(world.server.sip["udp"])
    dd = fresh.dialog(token=world.access_token)
    r = dd.invite(PORTS, PEOPLE)
    assert r.status == 200
    assert dd.bye().status == 200
    assert "role_ended" not in world.server.log()
    wait_for(lambda: any(r["call_id"] == dd.call_id and r["state"] != "recording"
                         for r in Catalog(world.server).recordings()), 10, "ended")
