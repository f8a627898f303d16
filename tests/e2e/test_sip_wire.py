"""What is kept of the signalling is what went over the wire, byte for byte, tokens removed."""
import re

import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.server import ALICE, BOB, World, wait_for

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
PORTS = [40000, 40002]


class Wire:
    """Everything that a client sent and got, in its order, each message once."""

    def __init__(self, client):
        self.seen = []
        send, recv = client.send, client.recv

        def sent(data):
            data = data if isinstance(data, bytes) else data.encode()
            self.note("in", data)
            send(data)

        def received(timeout=10):
            m = recv(timeout)
            if m:
                self.note("out", m.raw)
            return m
        client.send, client.recv = sent, received

    def note(self, way, data):
        if (way, data) not in self.seen:
            self.seen.append((way, data))


def redacted(data):
    return re.sub(rb"(?m)^(Authorization\s*:) *Bearer [^\r]*", rb"\1 Bearer [removed]", data)


def kept(world, n, call_id=None):
    rows = wait_for(lambda: (r := Catalog(world.server).rows(
        "SELECT * FROM signalling ORDER BY id")) and len(r) >= n and r, 10, f"{n} messages")
    return [(r["dir"], bytes(r["body"])) for r in rows], rows


def same(world, wire):
    """The catalog holds what the client saw; order matters for each direction."""
    want = [(way, redacted(data)) for way, data in wire.seen]
    got, rows = kept(world, len(want))
    for way in ("in", "out"):
        assert [b for w, b in got if w == way] == [b for w, b in want if w == way]
    return rows


def odd(data):
    """The same request as a careless product writes it."""
    head, sep, body = data.partition(b"\r\n\r\n")
    head = head.replace(b"From: <", b"f:<", 1).replace(b"Call-ID: ", b"i:  ", 1)
    head = head.replace(b"Max-Forwards: 70", b"max-FORWARDS :  70", 1)
    head += (b"\r\nDate: Sat, 99 Foo 2026\r\nWarning: nonsense\r\nSubject: a\r\n  folded\r\n\t line"
             b"\r\nSupported:\r\nX-Odd :   b  \r\nTimestamp: x\r\nExpires: never\r\nRSeq: -1")
    return head + sep + body


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_every_byte_is_kept(start, pki, transport):
    world = World(start({"sip": {"listen": f"{transport}:127.0.0.1:0",
                                 "tls_certificate": pki / "server.pem",
                                 "tls_key": pki / "server.key"}}
                        if transport == "tls" else None))
    c = sipc.SipClient(world.server.sip[transport], transport, cafile=pki / "ca.pem")
    wire = Wire(c)
    send = c.send
    c.send = lambda data: send(odd(data if isinstance(data, bytes) else data.encode()))
    d = c.dialog(token=world.access_token)
    assert d.invite(PORTS, PEOPLE).status == 200
    assert d.invite(PORTS, PEOPLE, direction="inactive", version=2).status == 200
    assert d.update(sipc.metadata(PEOPLE)).status == 200
    d.request("OPTIONS")
    assert d.final().status == 200
    assert d.bye().status == 200
    rows = same(world, wire)
    assert all(r["transport"] == transport and r["peer"] == c.hostport for r in rows)
    assert b"Date: Sat, 99 Foo 2026\r\nWarning: nonsense" in rows[0]["body"]


def test_a_message_that_came_in_pieces(world):
    c = sipc.SipClient(world.server.sip["tcp"], "tcp")
    wire = Wire(c)
    whole = c.send

    def pieces(data):
        seen = list(wire.seen)
        for i in range(0, len(data), 90):
            whole(data[i:i + 90])
        wire.seen = seen + [("in", data)] + [x for x in wire.seen[len(seen):] if x[0] == "out"]
    c.sock.setsockopt(6, 1, 1)
    c.send = pieces
    d = c.dialog(token=world.access_token)
    assert d.invite(PORTS, PEOPLE).status == 200
    assert d.bye().status == 200
    same(world, wire)


def test_what_the_stack_answers_is_kept_too(world):
    """Refused, broken, merged and cancelled requests in a call, with their answers."""
    c = sipc.SipClient(world.server.sip["udp"])
    wire = Wire(c)
    d = c.dialog(token=world.access_token)
    assert d.invite(PORTS, PEOPLE).status == 200
    # refused by us; its ACK is nobody's but the stack's
    assert d.invite(PORTS, PEOPLE, codecs=((99, "NONSENSE/8000"),)).status in (403, 488)
    # out of order
    d.request("UPDATE", cseq=1)
    assert d.final().status == 500
    # broken: two From headers
    d.request("OPTIONS", extra=["From: <sip:x@y.example>;tag=zzz"])
    assert d.final().status == 400
    # CANCEL of nothing
    d.request("CANCEL")
    assert d.final().status == 481
    # the first INVITE comes again by another way
    tag, d.to_tag = d.to_tag, None
    d.request("INVITE", sipc.sdp(PORTS), "application/sdp", cseq=1)
    again = d.final()
    assert again.status in (482, 500), again.raw
    d.to_tag = tag
    assert d.bye().status == 200
    rows = same(world, wire)
    words = [bytes(r["body"]).split(b"\r\n")[0].decode() for r in rows]
    for status in (400, 481, 500):
        assert any(w.startswith(f"SIP/2.0 {status} ") for w in words), words
    assert sum(w.startswith("ACK ") for w in words) == 2
    assert world.access_token.encode() not in b"".join(bytes(r["body"]) for r in rows)


def test_cancelled_reinvite_is_kept(start):
    """CANCEL, its 200 and the 487."""
    import os
    import signal
    world = World(start())
    c = sipc.SipClient(world.server.sip["udp"])
    wire = Wire(c)
    d = c.dialog(token=world.access_token)
    assert d.invite(PORTS, PEOPLE).status == 200
    capture = world.server.roles()["capture"]
    os.kill(capture, signal.SIGSTOP)  # the change has to wait
    try:
        n = d.request("INVITE", sipc.sdp(PORTS + [40004], version=2), "application/sdp")
        branch = d.branch
        assert c.recv().status == 100
        d.request("CANCEL", cseq=n, branch=branch)
        got = {}
        while len(got) < 2:
            r = d.final()
            got[r.cseq[1]] = r.status
        assert got == {"CANCEL": 200, "INVITE": 487}
        d.request("ACK", cseq=n, branch=branch)
    finally:
        os.kill(capture, signal.SIGCONT)
    assert d.bye().status == 200
    same(world, wire)


def test_no_secret_hides_behind_an_odd_line_end(world):
    """What a lone CR, a NUL or a blank separates for some reader is found by ours as well."""
    secret = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0LXNlY3JldA.c2ln"
    c = sipc.SipClient(world.server.sip["udp"])
    d = c.dialog(token=world.access_token)
    assert d.invite(PORTS, PEOPLE).status == 200
    for odd_line in (f"X-A: b\rAuthorization: Bearer {secret}",
                     f"X-A: b\0Authorization: Bearer {secret}",
                     f"X-A: b\nAuthorization: Bearer {secret}",
                     f"Authorization : Bearer\r\n {secret}",
                     f"authorization:\r\n\tBearer {secret}"):
        d.request("OPTIONS", extra=[odd_line], auth=False)
        d.final()
    send = c.send
    c.send = lambda data: send(data.replace(
        b" SIP/2.0\r\n", f" SIP/2.0\r\n Authorization: Bearer {secret}\r\n".encode(), 1))
    d.request("OPTIONS", auth=False)
    d.final()
    c.send = send
    assert d.bye().status == 200
    Catalog(world.server).wait_ended()
    got, _ = kept(world, 12)
    text = b"".join(b for _, b in got)
    assert secret.encode() not in text and text.count(b"[removed]") >= 6
    assert secret not in world.server.log()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_blank_lines_before_a_request(world, transport):
    """RFC 3261, 7.5: empty lines before a start line are ignored."""
    c = sipc.SipClient(world.server.sip[transport], transport)
    wire = Wire(c)
    send = c.send
    c.send = lambda data: send(b"\r\n\r\n" + (data if isinstance(data, bytes) else data.encode()))
    d = c.dialog(token=world.access_token)
    assert d.invite(PORTS, PEOPLE).status == 200
    assert d.bye().status == 200
    got, _ = kept(world, 6)
    assert [b.lstrip() for w, b in got if w == "in"] == [
        redacted(b).lstrip() for w, b in wire.seen if w == "in"]
